// Package gater is the node's connection gater: it decides which addresses may be dialled.
// It refuses private addresses learned from untrusted peers, whether from a DHT, from
// identify or from mDNS. A private address is another machine in each network: at home it
// is some neighbour's, and a hosting company takes packets to it for an attack.
//
//	g := gater.New(machine.Networks, bootstrap)
//	h, err := libp2p.New(libp2p.ConnectionGater(g))
//	g.Allow(addr) // the user named it
//
// A private address may be dialled if one of these is true:
//   - it is in a network of one of our interfaces, loopback included;
//   - a person named it in a call, in an invite or in peers/;
//   - it belongs to a peer that a person named as a bootstrap peer;
//   - we have reached this very peer there before.
//
// Public addresses may always be dialled. The address of a relay is judged when the relay
// is dialled. mDNS has no privilege: it reaches no farther than the networks of our
// interfaces, and its answers may be false.
//
// Inbound connections are left to package limits.
package gater

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// networksFor is how long the list of our networks is used, and networksRetry how long
	// if an address is in none of them.
	networksFor   = 5 * time.Second
	networksRetry = 100 * time.Millisecond
	// maxAllowed bounds the private addresses that people have named.
	maxAllowed = 4096
)

// Gater is a connmgr.ConnectionGater.
type Gater struct {
	list      func() []netip.Prefix // lists our networks now
	bootstrap []peer.ID

	mu         sync.Mutex
	remembered func(peer.ID) []ma.Multiaddr
	allowed    map[netip.Addr]bool
	networks   []netip.Prefix
	listed     time.Time // when networks was made
}

var _ connmgr.ConnectionGater = (*Gater)(nil)

// New makes a gater. networks lists the networks of our interfaces, and bootstrap has the
// multiaddrs of bootstrap peers, ending in /p2p/ID.
func New(networks func() []netip.Prefix, bootstrap []string) *Gater {
	g := &Gater{list: networks, allowed: map[netip.Addr]bool{}}
	for _, text := range bootstrap {
		if addr, err := ma.NewMultiaddr(text); err == nil {
			_, id := peer.SplitAddr(addr)
			g.bootstrap = append(g.bootstrap, id)
		}
	}
	return g
}

// SetRemembered sets the function that returns where a peer was reached before. What
// remembers usually needs a host, which needs the gater first.
func (g *Gater) SetRemembered(addrs func(peer.ID) []ma.Multiaddr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remembered = addrs
}

// Allow allows the IP address of an address that a person named, or that of the relay it
// goes through.
func (g *Gater) Allow(addr ma.Multiaddr) {
	if relay := maddrs.ToRelay(addr); relay != nil {
		addr = relay
	}
	ip, _, _ := maddrs.Parts(addr)
	if !maddrs.IsLocal(ip) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.allowed) >= maxAllowed {
		clear(g.allowed)
	}
	g.allowed[ip] = true
}

// IsNeighbour reports whether an address is in one of our networks.
func (g *Gater) IsNeighbour(ip netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	contains := func(net netip.Prefix) bool { return net.Contains(ip) }
	age := time.Since(g.listed)
	if age < networksFor && slices.ContainsFunc(g.networks, contains) {
		return true
	}
	if age < networksRetry {
		return false
	}
	g.networks, g.listed = g.list(), time.Now()
	return slices.ContainsFunc(g.networks, contains)
}

// InterceptAddrDial reports whether a peer may be dialled at an address.
func (g *Gater) InterceptAddrDial(id peer.ID, addr ma.Multiaddr) bool {
	ip, _, _ := maddrs.Parts(addr)
	if !maddrs.IsLocal(ip) || slices.Contains(g.bootstrap, id) || g.IsNeighbour(ip) {
		return true
	}
	g.mu.Lock()
	allowed, remembered := g.allowed[ip], g.remembered
	g.mu.Unlock()
	return allowed || remembered != nil && ma.Contains(remembered(id), addr)
}

// The rest of a gater has no objections.

func (*Gater) InterceptPeerDial(peer.ID) bool { return true }

func (*Gater) InterceptAccept(network.ConnMultiaddrs) bool { return true }

func (*Gater) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool {
	return true
}

func (*Gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
