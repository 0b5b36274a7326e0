package transport

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	tpt "github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
)

// simultaneous is a QUIC transport in which both ends of a hole punch dial. In libp2p one
// end sends random packets to open its NAT while the other one dials through it, and only
// the third try, seconds later, changes the roles. But nobody can dial us behind a
// symmetric NAT: if anyone gets through, we do. So we wait for the other end only as long
// as its dial may take, and not at all if our NAT is known to be symmetric.
type simultaneous struct {
	tpt.Transport
	symmetric func() bool
}

// inboundWait is how long a dial takes to come in across most of the world. If both ends
// dial there are two connections.
const inboundWait = 500 * time.Millisecond

func (s *simultaneous) Dial(ctx context.Context, addr ma.Multiaddr,
	id peer.ID) (tpt.CapableConn, error) {
	punch, isClient, reason := network.GetSimultaneousConnect(ctx)
	if !punch || isClient {
		return s.Transport.Dial(ctx, addr, id)
	}
	if !s.symmetric() {
		waiting, cancel := context.WithTimeout(ctx, inboundWait)
		conn, err := s.Transport.Dial(waiting, addr, id)
		cancel()
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
	}
	return s.Transport.Dial(network.WithSimultaneousConnect(ctx, true, reason), addr, id)
}
