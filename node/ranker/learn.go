package ranker

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

// Ranker ranks the addresses to dial. Its methods may be called from any goroutine.
type Ranker struct {
	mu       sync.Mutex
	networks []netip.Prefix // of this machine
	udp      bool           // a QUIC connection beyond our networks has succeeded
	// where TCP has connected although QUIC was dialled too
	blocked map[netip.Addr]struct{}
}

// maxBlocked bounds how many addresses are remembered.
const maxBlocked = 1024

// New makes a ranker for a machine in these networks.
func New(networks []netip.Prefix) *Ranker {
	r := &Ranker{}
	r.SetNetworks(networks)
	return r
}

// SetNetworks says that the machine is in these networks now. What was learned in others
// is forgotten.
func (r *Ranker) SetNetworks(networks []netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.networks = slices.DeleteFunc(networks, netip.Prefix.IsSingleIP)
	r.udp, r.blocked = false, map[netip.Addr]struct{}{}
}

// isNear reports whether an address is a neighbour's. r.mu is held.
func (r *Ranker) isNear(addr ma.Multiaddr) bool {
	ip, _, _ := maddrs.Parts(addr)
	return ip.IsLoopback() || slices.ContainsFunc(r.networks, func(p netip.Prefix) bool {
		return p.Contains(ip)
	})
}

// udpWorks reports whether UDP is known to work, and not known to be blocked on the way to
// an address. r.mu is held.
func (r *Ranker) udpWorks(addr ma.Multiaddr) bool {
	ip, _, _ := maddrs.Parts(addr)
	_, blocked := r.blocked[ip]
	return r.udp && !blocked
}

// Connected learns from a connection that we have dialled. It is a swarm's ConnectedF.
func (r *Ranker) Connected(n network.Network, conn network.Conn) {
	if conn.Stat().Direction == network.DirOutbound {
		r.learn(conn.RemoteMultiaddr(), n.Peerstore().Addrs(conn.RemotePeer()))
	}
}

// learn takes in the address of a connection, and all known addresses of the peer.
func (r *Ranker) learn(conn ma.Multiaddr, known []ma.Multiaddr) {
	ip, _, transport := maddrs.Parts(conn)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case transport == maddrs.Relay || r.isNear(conn):
	case transport == maddrs.QUIC:
		r.udp = true
		delete(r.blocked, ip)
	case slices.ContainsFunc(known, func(addr ma.Multiaddr) bool {
		other, _, transport := maddrs.Parts(addr)
		return transport == maddrs.QUIC && other == ip
	}):
		if len(r.blocked) >= maxBlocked {
			clear(r.blocked)
		}
		r.blocked[ip] = struct{}{}
	}
}

// Why says why a connection uses TCP, or "" if it does not or the reason is not known.
func (r *Ranker) Why(conn ma.Multiaddr) string {
	ip, _, transport := maddrs.Parts(conn)
	if transport != maddrs.TCP {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isNear(conn) {
		return "same network: TCP is faster"
	}
	if _, blocked := r.blocked[ip]; blocked {
		return "QUIC did not connect in time"
	}
	return ""
}
