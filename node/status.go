package node

import (
	"cmp"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/nat"
	"github.com/cell-mesh/cell/node/nat/portmap"
	"github.com/cell-mesh/cell/node/relay"
)

// Status is what a node knows about itself and its peers at one moment.
type Status struct {
	ID        string                `json:"id"`
	Addrs     []string              `json:"addrs"`
	Mesh      string                `json:"mesh"`
	DHT       discovery.DHTStatus   `json:"dht"`
	Bootstrap []discovery.PeerState `json:"bootstrap"`
	// Reachability is "public" if this machine can be reached from the Internet, "private"
	// if it can't, or "unknown".
	Reachability string `json:"reachability"`
	// UDP and TCP describe the NAT for each.
	UDP nat.Kind `json:"udp"`
	TCP nat.Kind `json:"tcp"`
	// Ports are those that the router opens.
	Ports portmap.State `json:"ports"`
	// Near is how many peers mDNS has found in the local network, or -1 if it is off.
	Near int `json:"near"`
	// Relays are the peers that relay for this machine. Relaying says whether it relays for
	// others.
	Relays   []string     `json:"relays"`
	Relaying bool         `json:"relaying"`
	Peers    []PeerStatus `json:"peers"`
}

// PeerStatus is one connection to a peer; a peer may have several.
type PeerStatus struct {
	ID        string `json:"id"`
	Address   string `json:"address"`
	Transport string `json:"transport"`       // "quic", "tcp" or "relay"
	Why       string `json:"why,omitempty"`   // why this transport, where it is not the usual one
	Relay     string `json:"relay,omitempty"` // the ID of the peer that relays, if one does
	Direction string `json:"direction"`       // "in" or "out": who dialled
	Streams   int    `json:"streams"`         // calls on it
	// RTT is how long an answer takes, in milliseconds; 0 if that was never measured.
	RTT float64 `json:"rtt_ms"`
}

// Status returns the present Status.
func (n *Node) Status() Status {
	found := n.finder.Status()
	s := Status{ID: n.id.String(), Addrs: n.Addrs(), Mesh: found.Mesh, DHT: found.DHT,
		Bootstrap: found.Bootstrap, Peers: []PeerStatus{}}
	s.UDP, s.TCP, s.Near = n.nat.Kind(maddrs.QUIC), n.nat.Kind(maddrs.TCP), found.Near
	s.Ports, s.Reachability, s.Relays = n.nat.Ports(), n.nat.Reachability(), []string{}
	if n.nat != nil {
		for _, id := range n.relays.Relays() {
			s.Relays = append(s.Relays, id.String())
		}
		s.Relaying = relay.Relaying(n.host)
	}
	for _, conn := range n.host.Network().Conns() {
		p := PeerStatus{
			ID:        conn.RemotePeer().String(),
			Address:   conn.RemoteMultiaddr().String(),
			Transport: maddrs.Transport(conn.RemoteMultiaddr()),
			Why:       n.ranker.Why(conn.RemoteMultiaddr()),
			Direction: direction(conn),
			Streams:   n.conns.Calls(conn),
			RTT:       float64(n.conns.RTT(conn).Microseconds()) / 1000,
		}
		if via := maddrs.RelayOf(conn.RemoteMultiaddr()); via != "" {
			p.Relay = via.String()
		}
		s.Peers = append(s.Peers, p)
	}
	slices.SortFunc(s.Peers, func(a, b PeerStatus) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Address, b.Address))
	})
	return s
}

func direction(conn network.Conn) string {
	if conn.Stat().Direction == network.DirInbound {
		return "in"
	}
	return "out"
}
