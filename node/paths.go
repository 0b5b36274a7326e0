package node

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

// paths are what has been seen of the ways out of this machine, as far as it matters for
// which transport to dial with.
//
// To a neighbour, on this machine or in a network that it is plugged into, TCP carries
// twice what QUIC does, at less than a millisecond more for the first connection (go test
// -bench Transports ./testnet/natlab). Everywhere else QUIC comes first: it needs two
// round trips less, goes on when an address changes, and gets through NATs. That is known
// from the address alone. What is not is whether UDP gets through at all; where it has
// not, nobody waits for it.
type paths struct {
	mu      sync.Mutex
	subnets []netip.Prefix // those that this machine is plugged into
	udp     bool           // QUIC has come through to somebody who is no neighbour
	// where TCP has come through, and QUIC, though it was dialled, has not
	blocked map[netip.Addr]struct{}
}

// maxBlocked bounds how many are remembered.
const maxBlocked = 1024

// moved begins anew, as in other networks.
func (p *paths) moved(nets []netip.Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subnets = slices.DeleteFunc(nets, netip.Prefix.IsSingleIP)
	p.udp, p.blocked = false, map[netip.Addr]struct{}{}
}

// near says whether an address is a neighbour's; p.mu is held.
func (p *paths) near(addr ma.Multiaddr) bool {
	ip, _, _ := maddrs.Parts(addr)
	return ip.IsLoopback() || slices.ContainsFunc(p.subnets, func(s netip.Prefix) bool {
		return s.Contains(ip)
	})
}

// waits says whether TCP to an address is held back while QUIC has its chance; p.mu is held.
func (p *paths) waits(tcp ma.Multiaddr) bool {
	ip, _, _ := maddrs.Parts(tcp)
	_, blocked := p.blocked[ip]
	return p.udp && !blocked
}

// learn takes in a connection that we have made to a peer that is known by these addresses.
func (p *paths) learn(made ma.Multiaddr, known []ma.Multiaddr) {
	ip, _, kind := maddrs.Parts(made)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case kind == "relay" || p.near(made):
	case kind == "quic":
		p.udp = true
		delete(p.blocked, ip)
	case slices.ContainsFunc(known, func(addr ma.Multiaddr) bool {
		other, _, kind := maddrs.Parts(addr)
		return kind == "quic" && other == ip
	}):
		if len(p.blocked) >= maxBlocked {
			clear(p.blocked)
		}
		p.blocked[ip] = struct{}{}
	}
}

// why says in a few words why a connection has the transport it has, or nothing where
// that is as usual.
func (p *paths) why(conn ma.Multiaddr) string {
	ip, _, kind := maddrs.Parts(conn)
	p.mu.Lock()
	defer p.mu.Unlock()
	_, blocked := p.blocked[ip]
	switch {
	case p.near(conn) && kind == "tcp":
		return "a neighbour, to whom TCP is faster"
	case kind == "tcp" && blocked:
		return "QUIC did not come through in time"
	}
	return ""
}

// connected is called by the host.
func (p *paths) connected(n network.Network, conn network.Conn) {
	if conn.Stat().Direction == network.DirOutbound {
		p.learn(conn.RemoteMultiaddr(), n.Peerstore().Addrs(conn.RemotePeer()))
	}
}
