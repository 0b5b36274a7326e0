package testnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

// Dial calls a cell through the local door of the node's stem, as a program on its
// machine would. The address is that of any cell, as in echo@12D3…; the name of a node of
// the net may stand for its peer ID. ctx covers the call until the verdict, and not the
// Conn, which the caller closes. Errors match those of package synapse.
func (n *Node) Dial(ctx context.Context, addr string) (*Conn, error) {
	c, err := n.dial(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("%s: dial %s: %w", n, addr, err)
	}
	return c, nil
}

func (n *Node) dial(ctx context.Context, addr string) (*Conn, error) {
	to, err := address.Parse(n.net.spell(addr))
	if err != nil {
		return nil, err
	}
	l := n.alive()
	if l == nil {
		return nil, errStopped
	}
	began := time.Now()
	s, err := l.door.knock(ctx)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { s.Abort(ctx.Err()) })()
	if _, err = io.WriteString(s, wire.Request{Verb: wire.Open,
		Object: to.String()}.String()); err != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	_, rest, err := wire.ReadVerdict(s)
	if err != nil {
		s.Abort(err)
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	c := &Conn{Stream: pipe.Unread(s, rest), from: n.ID(), to: to, granted: time.Now()}
	id, _ := to.Peer.ID()
	n.mu.Lock()
	defer n.mu.Unlock()
	if o, ok := n.opened[id]; ok && !o.at.Before(began) {
		c.route, c.reached = o.route, o.at
	}
	return c, nil
}

// spell puts the peer ID of a node in the place of its name.
func (n *Net) spell(addr string) string {
	cell, name, ok := strings.Cut(addr, "@")
	if !ok {
		return addr
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if node := n.names[name]; node != nil {
		return cell + "@" + node.ID().String()
	}
	return addr
}

// Ask calls a cell, sends the text, ends its side, and returns the whole answer. ctx
// covers all of it.
func (n *Node) Ask(ctx context.Context, addr, text string) (string, error) {
	r, answer := n.call(ctx, addr, text)
	return answer, r.Err
}

// Call does what Ask does, and measures.
func (n *Node) Call(ctx context.Context, addr, text string) Result {
	r, _ := n.call(ctx, addr, text)
	return r
}

// Conn is a call: a net.Conn whose directions end separately.
type Conn struct {
	pipe.Stream
	from             address.ID
	to               address.Address
	route            string
	reached, granted time.Time
}

var _ net.Conn = (*Conn)(nil)

// Route is how the call travels: "direct quic", "relayed quic", or "" for one within the machine.
func (c *Conn) Route() string { return c.route }

// LocalAddr is the peer ID of the caller's node.
func (c *Conn) LocalAddr() net.Addr { return address.Address{Peer: address.PeerOf(c.from)} }

// RemoteAddr is the address that was called.
func (c *Conn) RemoteAddr() net.Addr { return c.to }

// SetReadDeadline is SetDeadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }

// SetWriteDeadline is SetDeadline.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.SetDeadline(t) }
