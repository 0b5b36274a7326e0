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

// Dial calls a cell through the node's stem, as a program on its machine would. addr is a
// cell address such as echo@12D3…, in which the name of a node of the net may stand for its
// peer ID. ctx covers Dial, not the Conn, which the caller closes. Errors match those of
// package synapse.
func (n *Node) Dial(ctx context.Context, addr string) (*Conn, error) {
	c, err := n.dial(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("%s: dial %s: %w", n, addr, err)
	}
	return c, nil
}

func (n *Node) dial(ctx context.Context, addr string) (*Conn, error) {
	to, err := n.net.parse(addr)
	if err != nil {
		return nil, err
	}
	i := n.running()
	if i == nil {
		return nil, errStopped
	}
	began := time.Now()
	s, err := i.socket.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { s.Abort(ctx.Err()) })()
	request := wire.Request{Verb: wire.Open, Object: to.String()}
	if _, err = io.WriteString(s, request.String()); err != nil {
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

// parse parses the address of a cell, in which the name of a node may stand for its peer ID.
func (n *Net) parse(addr string) (address.Address, error) {
	if cell, name, ok := strings.Cut(addr, "@"); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		if node := n.names[name]; node != nil {
			addr = cell + "@" + node.ID().String()
		}
	}
	return address.Parse(addr)
}

// Conn is a call: a net.Conn with CloseWrite, which ends one direction.
type Conn struct {
	pipe.Stream
	from             address.ID
	to               address.Address
	route            string
	reached, granted time.Time
}

var _ net.Conn = (*Conn)(nil)

// Route is "direct quic" or "relayed quic", or empty for a call to the node's own cells.
func (c *Conn) Route() string { return c.route }

// LocalAddr returns the peer ID of the caller's node.
func (c *Conn) LocalAddr() net.Addr { return address.Address{Peer: address.PeerOf(c.from)} }

// RemoteAddr returns the address that was called.
func (c *Conn) RemoteAddr() net.Addr { return c.to }

// SetReadDeadline is SetDeadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }

// SetWriteDeadline is SetDeadline.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.SetDeadline(t) }
