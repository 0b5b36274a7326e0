package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	tpt "github.com/libp2p/go-libp2p/core/transport"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Optimistic returns an upgrader that negotiates optimistically. It offers the first
// security protocol, which is TLS and which all stems speak, and begins the handshake
// without waiting for the answer. That saves a round trip, which matters through a relay.
// Upgrade fails with ErrNotAgreed if the peer does not agree.
func Optimistic(u tpt.Upgrader) tpt.Upgrader { return optimistic{u} }

// ErrNotAgreed is returned when a peer does not agree to the security protocol that it was
// offered first. It may still agree to another one.
var ErrNotAgreed = errors.New("the peer does not agree to the security protocol")

type optimistic struct{ tpt.Upgrader }

func (o optimistic) Upgrade(ctx context.Context, t tpt.Transport, conn manet.Conn,
	dir network.Direction, id peer.ID, scope network.ConnManagementScope) (tpt.CapableConn, error) {
	stat, ok := conn.(statConn)
	if !ok || dir != network.DirOutbound {
		return o.Upgrader.Upgrade(ctx, t, conn, dir, id, scope)
	}
	c := newOptimisticConn(stat)
	upgraded, err := o.Upgrader.Upgrade(ctx, t, c, dir, id, scope)
	// whatever the error: the answer may be lost when the peer hangs up
	if err != nil && c.confirmed < len(c.offer) {
		err = fmt.Errorf("%w: %w", ErrNotAgreed, err)
	}
	return upgraded, err
}

// statConn is what an upgrader gets, and what it may ask for.
type statConn interface {
	manet.Conn
	network.ConnStat
}

// optimisticConn is a connection that begins with an offer, which the peer echoes if it
// agrees. Read returns the offer at once, as if the echo had come. It checks the real echo
// before it returns what follows. Like every connection below TLS it has one reader at a time.
type optimisticConn struct {
	statConn
	once      sync.Once
	offered   chan struct{} // closed once offer is set
	offer     []byte
	returned  int // how much of the offer Read has returned
	confirmed int // how much of it the peer has echoed
}

func newOptimisticConn(conn statConn) *optimisticConn {
	return &optimisticConn{statConn: conn, offered: make(chan struct{})}
}

// Write takes what is written first as the offer.
func (c *optimisticConn) Write(b []byte) (int, error) {
	c.once.Do(func() {
		c.offer = bytes.Clone(b)
		close(c.offered)
	})
	return c.statConn.Write(b)
}

func (c *optimisticConn) Read(b []byte) (int, error) {
	<-c.offered // multistream reads and writes at the same time
	if c.returned < len(c.offer) {
		n := copy(b, c.offer[c.returned:])
		c.returned += n
		return n, nil
	}
	for c.confirmed < len(c.offer) {
		answer := make([]byte, len(c.offer)-c.confirmed)
		n, err := c.statConn.Read(answer)
		if err != nil && n == 0 {
			return 0, err
		}
		if !bytes.HasPrefix(c.offer[c.confirmed:], answer[:n]) {
			return 0, ErrNotAgreed
		}
		c.confirmed += n
	}
	return c.statConn.Read(b)
}
