package node

import (
	"context"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/internal/address"
)

// greetWait is how long a stream may take to say what it is for, as it is with libp2p.
const greetWait = 10 * time.Second

// greet has the calls of stems served, which greet in one piece, and leaves all other streams to libp2p. That would answer a
// greeting as soon as it is read; where a request follows at once, nobody waits for that, and the answer goes in one packet with
// the verdict. It saves each end a packet, and a wake-up while the other works.
func (n *Node) greet(others network.StreamHandler, serve server) network.StreamHandler {
	return func(raw network.Stream) {
		raw.SetReadDeadline(time.Now().Add(greetWait))
		buf := make([]byte, 256)
		got, _ := raw.Read(buf) // an error comes again with the next read
		raw.SetReadDeadline(time.Time{})
		heard := string(buf[:got])
		early, greeted := strings.CutPrefix(heard, greeting)
		switch {
		case got == 0:
			raw.ResetWithError(network.StreamProtocolNegotiationFailed)
		case !greeted:
			others(&unread{raw, heard})
		case raw.SetProtocol(Protocol) != nil:
			raw.ResetWithError(network.StreamResourceLimitExceeded)
		default:
			n.take(raw, greeting, early, serve)
		}
	}
}

// unread is a stream of which something was read that its reader has not seen.
type unread struct {
	network.Stream
	rest string // touched by one reader at a time
}

func (u *unread) Read(b []byte) (int, error) {
	if u.rest == "" {
		return u.Stream.Read(b)
	}
	n := copy(b, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// server is what is done with a call that comes in.
type server func(ctx context.Context, caller address.ID, s *stream)

// take serves a call, of which early was read already; unsaid is what is still to be said of the negotiation.
func (n *Node) take(raw network.Stream, unsaid, early string, serve server) {
	if !n.enter() {
		raw.Reset()
		return
	}
	defer n.group.Done()
	caller, err := address.ParseID(raw.Conn().RemotePeer().String())
	if err != nil { // a kind of key that cell does not know
		raw.Reset()
		return
	}
	l := n.linkOf(raw.Conn())
	l.hear()
	if early != "" {
		raw = &unread{raw, early}
	}
	s := newStream(raw, l, unsaid, "")
	defer s.Close()
	if early == "" {
		s.hello.say(raw) // the caller waits; an error comes again
	}
	serve(n.life, caller, s)
}
