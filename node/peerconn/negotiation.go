package peerconn

import (
	"errors"
	"io"
	"strings"
	"sync"
)

// Protocol is the libp2p protocol of all calls between stems.
const Protocol = "/cell/1.0.0"

// A stream begins with a negotiation of its protocol by multistream-select. Each end sends
// the greeting, or the called end refuses the second line of it. The caller does not wait
// for the answer. libp2p could do this for us, but then a deadline that expires during the
// negotiation makes the stream unusable.
const (
	greeting = "\x13/multistream/1.0.0\n" + "\x0c" + Protocol + "\n"
	refusal  = "\x03na\n"
)

var errNotSpoken = errors.New("the peer does not speak " + Protocol +
	": it is not a stem, or it takes no calls yet")

// negotiation is the state of a caller's negotiation. The zero value is one that is over.
type negotiation struct {
	writing sync.Mutex
	unsent  string // rest of the greeting; guarded by writing
	unheard string // rest of the answer; used by one reader at a time, see Stream.reading
}

// write writes b behind the rest of the greeting.
func (g *negotiation) write(w io.Writer, b []byte) (int, error) {
	g.writing.Lock()
	defer g.writing.Unlock()
	if g.unsent == "" {
		return w.Write(b)
	}
	n, err := w.Write(append([]byte(g.unsent), b...))
	sent := min(n, len(g.unsent))
	g.unsent = g.unsent[sent:]
	return n - sent, err
}

// send sends the greeting unless write has done so.
func (g *negotiation) send(w io.Writer) error {
	g.writing.Lock()
	sent := g.unsent == ""
	g.writing.Unlock()
	if sent {
		return nil
	}
	_, err := g.write(w, nil)
	return err
}

// hear reads the answer, and nothing of what follows it. It can be called again after a
// deadline has expired.
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
			return errors.New("the peer answers in a protocol other than " + Protocol)
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
	return nil
}

// refused reports whether the answer turns into a refusal. Its first byte is enough.
func refused(unheard, heard string) bool {
	at := 0
	for at < len(heard) && unheard[at] == heard[at] {
		at++
	}
	return heard[at] == refusal[0]
}
