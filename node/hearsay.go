package node

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// netsFor is how long we believe to know our networks, and netsAgain how long if an
	// address is in none of them.
	netsFor   = 5 * time.Second
	netsAgain = 100 * time.Millisecond
	// maxGiven bounds the private addresses that people have given.
	maxGiven = 4096
)

// hearsay keeps us from dialling private addresses on the word of strangers, whatever
// they put in a DHT, tell when they introduce themselves, or answer to mDNS. Such an
// address means another machine in every network: at home it is some neighbour's, and a
// firm that rents out servers takes packets to it for an attack.
//
// A private address is dialled if
//   - it is in a network that one of our interfaces is in; loopback is one, too;
//   - a person gave it: in a call, in an invite, or in peers/;
//   - it is that of a peer which a person named as a bootstrap peer;
//   - we have reached this very peer there before.
//
// Public addresses always are. Of an address through a relay, the relay's is judged when
// the relay is dialled. mDNS has no privilege: it reaches no farther than our interfaces'
// networks, and whoever answers may lie.
//
// It is libp2p's connection gater, asked before each dial.
type hearsay struct {
	on    Machine
	boots []peer.ID

	mu    sync.Mutex
	known func(peer.ID) []ma.Multiaddr // where peers were reached before
	given map[netip.Addr]bool
	nets  []netip.Prefix
	at    time.Time // when nets were read
}

func newHearsay(on Machine, bootstrap []string) *hearsay {
	h := &hearsay{on: on, given: map[netip.Addr]bool{}}
	for _, text := range bootstrap {
		if addr, err := ma.NewMultiaddr(text); err == nil {
			_, id := peer.SplitAddr(addr)
			h.boots = append(h.boots, id)
		}
	}
	return h
}

// remembers says whom to ask where peers were reached before.
func (h *hearsay) remembers(known func(peer.ID) []ma.Multiaddr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = known
}

// give notes that a person named the address.
func (h *hearsay) give(addr ma.Multiaddr) {
	if relay := maddrs.ToRelay(addr); relay != nil {
		addr = relay
	}
	ip, _, _ := maddrs.Parts(addr)
	if !maddrs.IsLocal(ip) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.given) >= maxGiven {
		clear(h.given)
	}
	h.given[ip] = true
}

// InterceptAddrDial says whether an address may be dialled.
func (h *hearsay) InterceptAddrDial(id peer.ID, addr ma.Multiaddr) bool {
	ip, _, _ := maddrs.Parts(addr)
	if !maddrs.IsLocal(ip) || slices.Contains(h.boots, id) || h.reaches(ip) {
		return true
	}
	h.mu.Lock()
	given, known := h.given[ip], h.known
	h.mu.Unlock()
	return given || known != nil && ma.Contains(known(id), addr)
}

// reaches says whether an address is in one of our networks.
func (h *hearsay) reaches(ip netip.Addr) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	contains := func(net netip.Prefix) bool { return net.Contains(ip) }
	age := time.Since(h.at)
	if age < netsFor && slices.ContainsFunc(h.nets, contains) {
		return true
	}
	if age < netsAgain {
		return false
	}
	h.nets, h.at = h.on.Networks(), time.Now()
	return slices.ContainsFunc(h.nets, contains)
}

// The rest of a gater has no objections.

func (*hearsay) InterceptPeerDial(peer.ID) bool { return true }

func (*hearsay) InterceptAccept(network.ConnMultiaddrs) bool { return true }

func (*hearsay) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool {
	return true
}

func (*hearsay) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
