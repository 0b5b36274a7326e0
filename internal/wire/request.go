package wire

import (
	"fmt"
	"io"
	"strings"
)

// Verb is what a request asks for.
type Verb string

const (
	Open Verb = "open" // open ADDRESS: connect me to a cell
	// germinate NAME: see to it that the cell here answers at its socket
	Germinate Verb = "germinate"
	End       Verb = "end" // end CALL: did the call that just ended come to an orderly end?
	// cut CALLER: I am a cell, and can't finish the call of this caller
	CutCall Verb = "cut"
	Status  Verb = "status" // status: a verdict, then JSON
	// ping PEER: a verdict, then what happens on the way to the peer and back, in lines
	// of JSON
	Ping   Verb = "ping"
	Find   Verb = "find"   // find PEER: the same of who knows where it is
	Reread Verb = "reread" // reread: use the files as they are now, before you answer
	Link   Verb = "link"   // link ADDRESS [at=LISTEN]: have a socket or port lead to a cell
	Unlink Verb = "unlink" // unlink LISTEN: take that back
)

// Request is one request line: a verb, what it is about, and pairs of keys and values
// that refine it.
type Request struct {
	Verb Verb
	// Object is an address, a name or a number, as the verb wants it; empty if the verb wants none.
	Object string
	Pairs  Pairs
}

// Pairs are keys and values without spaces, in the order in which they stand.
type Pairs [][2]string

// Get returns the value of the first pair with this key, or "".
func (p Pairs) Get(key string) string {
	for _, pair := range p {
		if pair[0] == key {
			return pair[1]
		}
	}
	return ""
}

// All returns the values of all pairs with this key.
func (p Pairs) All(key string) (values []string) {
	for _, pair := range p {
		if pair[0] == key {
			values = append(values, pair[1])
		}
	}
	return values
}

func (p Pairs) String() string {
	var text strings.Builder
	for _, pair := range p {
		text.WriteString(" " + pair[0] + "=" + pair[1])
	}
	return text.String()
}

// String returns the line, with its newline.
func (r Request) String() string {
	text := string(r.Verb)
	if r.Object != "" {
		text += " " + r.Object
	}
	return text + r.Pairs.String() + "\n"
}

// parseRequest reads a line without its newline. Whether the verb is one that is served here,
// and its object what it needs, is for the server to say.
func parseRequest(line string) (Request, error) {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return Request{}, Refusal{Bad, "empty request"}
	}
	if err := plain(line); err != nil {
		return Request{}, err
	}
	r := Request{Verb: Verb(fields[0])}
	fields = fields[1:]
	if len(fields) > 0 && !isPair(fields[0]) {
		r.Object, fields = fields[0], fields[1:]
	}
	var err error
	r.Pairs, err = parsePairs(fields)
	return r, err
}

// isPair tells key=value from an object: the = of an address stands behind a colon, a
// slash or a question mark.
func isPair(field string) bool {
	i := strings.IndexAny(field, "=:/?@")
	return i > 0 && field[i] == '='
}

func parsePairs(fields []string) (Pairs, error) {
	var pairs Pairs
	for _, field := range fields {
		key, value, ok := strings.Cut(field, "=")
		if !ok || key == "" {
			return nil, Refusal{Bad, fmt.Sprintf("%q is not key=value", field)}
		}
		pairs = append(pairs, [2]string{key, value})
	}
	return pairs, nil
}

// plain refuses control characters, which have no place in a line that ends up in logs
// and terminals.
func plain(line string) error {
	for i := range len(line) {
		if line[i] < ' ' || line[i] == 0x7f {
			return Refusal{Bad, fmt.Sprintf("control character %q", line[i:i+1])}
		}
	}
	return nil
}

// ReadRequest reads a request line and parses it. rest is what was read behind it.
func ReadRequest(r io.Reader) (req Request, rest []byte, err error) {
	line, rest, err := readLine(r)
	if err != nil {
		return Request{}, nil, err
	}
	req, err = parseRequest(line)
	return req, rest, err
}
