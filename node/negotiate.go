package node

import (
	"errors"
	"io"
	"strings"
	"sync"
)

// A stream begins with both ends agreeing to speak our protocol, by multistream-select:
// each says the greeting, or the end that was called refuses its second line. The caller
// does not wait for the answer. libp2p could do this for us, but with it a deadline that
// strikes during the negotiation spoils the stream for good.
const (
	greeting = "\x13/multistream/1.0.0\n" + "\x0c" + Protocol + "\n"
	refusal  = "\x03na\n"
)

var errNotSpoken = errors.New("the peer does not speak " + Protocol +
	": it is no stem, or takes no calls yet")

// negotiation is how far a caller's greeting has come. The zero value is one that is over.
type negotiation struct {
	writing sync.Mutex
	unsaid  string // guarded by writing
	unheard string // touched by one reader at a time
}

// write writes b, behind what is unsaid of the greeting.
func (g *negotiation) write(w io.Writer, b []byte) (int, error) {
	g.writing.Lock()
	defer g.writing.Unlock()
	if g.unsaid == "" {
		return w.Write(b)
	}
	n, err := w.Write(append([]byte(g.unsaid), b...))
	said := min(n, len(g.unsaid))
	g.unsaid = g.unsaid[said:]
	return n - said, err
}

// say sends the greeting if no Write has.
func (g *negotiation) say(w io.Writer) error {
	g.writing.Lock()
	said := g.unsaid == ""
	g.writing.Unlock()
	if said {
		return nil
	}
	_, err := g.write(w, nil)
	return err
}

// hear reads the answer, or goes on to read it after a deadline passed. It reads none of
// what follows.
func (g *negotiation) hear(r io.Reader) error {
	var buf [len(greeting)]byte
	for g.unheard != "" {
		n, err := r.Read(buf[:len(g.unheard)])
		heard := string(buf[:n])
		switch {
		case n > 0 && strings.HasPrefix(g.unheard, heard):
			g.unheard = g.unheard[n:]
		case n > 0 && refused(g.unheard, heard):
			return errNotSpoken
		case n > 0:
			return errors.New("the peer answers with something else than " + Protocol)
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
	return nil
}

// refused says whether the answer goes on as a refusal, of which the beginning is enough.
func refused(unheard, heard string) bool {
	at := 0
	for at < len(heard) && unheard[at] == heard[at] {
		at++
	}
	return heard[at] == refusal[0]
}
