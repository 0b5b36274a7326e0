package wire

import (
	"fmt"
	"io"
	"strings"
)

// Verb is the kind of a request.
type Verb string

const (
	Open      Verb = "open"      // open ADDRESS: connect to a cell
	Germinate Verb = "germinate" // germinate NAME: start a cell of this machine if needed
	End       Verb = "end"       // end CALL: ask whether a call has ended in order
	CutCall   Verb = "cut"       // cut CALLER: a cell cannot finish the call of this caller
	Status    Verb = "status"    // status: the verdict is followed by JSON
	Ping      Verb = "ping"      // ping PEER: the verdict is followed by events in lines of JSON
	Find      Verb = "find"      // find PEER: like ping, about the search for the peer
	Reread    Verb = "reread"    // reread: read all files again before answering
	Link      Verb = "link"      // link ADDRESS [at=LISTEN]: forward a socket or port to a cell
	Unlink    Verb = "unlink"    // unlink LISTEN: remove a link
)

// Request is a request line: a verb, its object, and options as pairs.
type Request struct {
	Verb Verb
	// Object is an address, a name or a number, depending on the verb. It may be empty.
	Object string
	Pairs  Pairs
}

// Pairs are keys and values without spaces, in their order on the line.
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

// parseRequest parses a line without its newline. It does not check whether the verb is known
// and has the object that it needs; the server does.
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

// isPair reports whether a field is key=value and not an object. An address has an = only
// behind a colon, a slash, a question mark or an @.
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

// plain refuses control characters, because the line is printed in logs and on terminals.
func plain(line string) error {
	for i := range len(line) {
		if line[i] < ' ' || line[i] == 0x7f {
			return Refusal{Bad, fmt.Sprintf("control character %q", line[i:i+1])}
		}
	}
	return nil
}

// ReadRequest reads and parses a request line. rest is what was read behind it.
func ReadRequest(r io.Reader) (req Request, rest []byte, err error) {
	line, rest, err := readLine(r)
	if err != nil {
		return Request{}, nil, err
	}
	req, err = parseRequest(line)
	return req, rest, err
}
