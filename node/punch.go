package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	tpt "github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

// punchLate punches holes to those who have called us through a relay before libp2p was
// ready for that, unless ctx ends first. It punches when a relayed connection begins, but
// not before it has seen, at one of its looks, that somebody has told us our address
// outside; who calls in the first second would stay on the relay.
func (n *Node) punchLate(ctx context.Context) error {
	if n.punches.service == nil {
		return nil
	}
	changed, err := n.host.EventBus().Subscribe(new(event.EvtLocalProtocolsUpdated))
	if err != nil {
		return fmt.Errorf("watch for hole punching: %w", err)
	}
	defer changed.Close()
	for !slices.Contains(n.host.Mux().Protocols(), holepunch.Protocol) {
		select {
		case <-changed.Out():
		case <-ctx.Done():
			return nil
		}
	}
	for _, conn := range n.swarm.Conns() {
		if conn.Stat().Direction == network.DirInbound &&
			maddrs.Transport(conn.RemoteMultiaddr()) == "relay" {
			n.tasks.Go(func() { n.punches.service.DirectConnect(conn.RemotePeer()) })
		}
	}
	return nil
}

// guesses adds to what a hole punch tells the other end. A NAT lets in what its host has
// called, on the port that the NAT gave it; libp2p knows that port only for a transport
// over which someone has seen us from outside, and that is mostly QUIC. Most NATs keep a
// port if they can, and we listen with both transports on the same one: so the address
// that was seen with one transport is offered with the other, too. Where the guess is
// wrong it costs a few packets; where UDP is blocked it is the only way to a direct
// connection.
//
// Offered, too, is the IPv4 address of a machine whose connections are all IPv6, so that
// nobody has told libp2p, and what the router has opened, whether or not somebody has
// come through already.
type guesses struct{ reach *reach }

func (guesses) FilterRemote(_ peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr { return addrs }

func (g guesses) FilterLocal(_ peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	if outside := g.reach.outside(); outside.IsValid() {
		if both, err := maddrs.QUICAndTCP(outside.Addr(), outside.Port()); err == nil {
			addrs = append(addrs[:len(addrs):len(addrs)], both...)
		}
	}
	mapped := g.reach.mapped()
	for _, addr := range addrs[:len(addrs):len(addrs)] {
		if ip, port, _ := maddrs.Parts(addr); ip.Is4() {
			both, err := maddrs.QUICAndTCP(ip, port)
			if err == nil {
				addrs = append(addrs, both...)
			}
		}
	}
	return ma.Unique(append(addrs, mapped...))
}

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
