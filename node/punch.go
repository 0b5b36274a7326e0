package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	tpt "github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
)

// calling is a QUIC transport that calls where it is told to wait for a call. In a punch
// libp2p has one end send packets that mean nothing, to open its NAT, while the other end
// calls it through there; only at the third try, seconds later, do they change places.
// But behind a router that takes another port for each destination nobody can call us:
// who gets through, if anyone does, is we. So we wait for a call only as long as one that
// is under way may take, and not at all if our router is known to be of that kind.
type calling struct {
	tpt.Transport
	scattered func() bool
}

// calledWait is how long a call takes to come in across most of the world. If both ends
// call there are two connections.
const calledWait = 500 * time.Millisecond

func (c *calling) Dial(ctx context.Context, addr ma.Multiaddr,
	id peer.ID) (tpt.CapableConn, error) {
	punch, calls, reason := network.GetSimultaneousConnect(ctx)
	if !punch || calls {
		return c.Transport.Dial(ctx, addr, id)
	}
	if !c.scattered() {
		waiting, cancel := context.WithTimeout(ctx, calledWait)
		conn, err := c.Transport.Dial(waiting, addr, id)
		cancel()
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
	}
	return c.Transport.Dial(network.WithSimultaneousConnect(ctx, true, reason), addr, id)
}
