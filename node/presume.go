package node

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

// presuming is an upgrader whose connections do not wait until the other end agrees to
// the security protocol that it is offered first, which is TLS, and which all stems
// speak. The handshake follows the offer at once, and that saves a round trip through the
// relay. Where the other end did not agree, Upgrade fails with errDisagrees.
type presuming struct{ tpt.Upgrader }

func (p presuming) Upgrade(ctx context.Context, t tpt.Transport, conn manet.Conn,
	dir network.Direction, id peer.ID, scope network.ConnManagementScope) (tpt.CapableConn, error) {
	at, ok := conn.(statedConn)
	if !ok || dir != network.DirOutbound {
		return p.Upgrader.Upgrade(ctx, t, conn, dir, id, scope)
	}
	c := &presumed{statedConn: at, offered: make(chan struct{})}
	upgraded, err := p.Upgrader.Upgrade(ctx, t, c, dir, id, scope)
	// whatever ended it: the answer may be lost when the other end hangs up
	if err != nil && c.heard < len(c.offer) {
		err = fmt.Errorf("%w: %w", errDisagrees, err)
	}
	return upgraded, err
}

var errDisagrees = errors.New("the peer has not agreed to the security protocol")

// statedConn is what an upgrader gets and what it may ask for.
type statedConn interface {
	manet.Conn
	network.ConnStat
}

// presumed is a connection that begins with an offer, which the other end repeats if it
// agrees. It is read as if that had come already, and that it does come is seen when more
// is read. It has one reader at a time, as every connection below TLS.
type presumed struct {
	statedConn
	once    sync.Once
	offered chan struct{} // closed once there is an offer
	offer   []byte
	read    int // how much of the offer was read back
	heard   int // and how much has come
}

// Write takes what is written first for the offer.
func (c *presumed) Write(b []byte) (int, error) {
	c.once.Do(func() {
		c.offer = bytes.Clone(b)
		close(c.offered)
	})
	return c.statedConn.Write(b)
}

func (c *presumed) Read(b []byte) (int, error) {
	<-c.offered // by whoever reads, at the same time
	if c.read < len(c.offer) {
		n := copy(b, c.offer[c.read:])
		c.read += n
		return n, nil
	}
	for c.heard < len(c.offer) {
		answer := make([]byte, len(c.offer)-c.heard)
		n, err := c.statedConn.Read(answer)
		if err != nil && n == 0 {
			return 0, err
		}
		if !bytes.HasPrefix(c.offer[c.heard:], answer[:n]) {
			return 0, errDisagrees
		}
		c.heard += n
	}
	return c.statedConn.Read(b)
}
