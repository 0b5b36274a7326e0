package discovery

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Status describes our membership in the mesh.
type Status struct {
	Mesh      string      `json:"mesh"`
	DHT       DHTStatus   `json:"dht"`
	Bootstrap []PeerState `json:"bootstrap"`
	// Near is how many peers mDNS has seen in the local network, or -1 without mDNS.
	Near int `json:"near"`
}

// DHTStatus is our part in the mesh's DHT.
type DHTStatus struct {
	Mode  string `json:"mode"`  // "client": we ask; "server": we also answer; "off"
	Peers int    `json:"peers"` // in the routing table
	// Published is when our addresses were last published, if ever.
	Published time.Time `json:"published,omitzero"`
}

// PeerState is a bootstrap peer and whether it is connected.
type PeerState struct {
	ID        string   `json:"id"`
	Addrs     []string `json:"addrs"`
	Connected bool     `json:"connected"`
	Error     string   `json:"error,omitempty"` // of the last attempt
}

// Status returns the current state.
func (f *Finder) Status() Status {
	s := Status{Mesh: string(f.name), DHT: DHTStatus{Mode: "off"}, Bootstrap: []PeerState{},
		Near: -1}
	if f.lan != nil {
		s.Near = f.lan.count()
	}
	if f.mesh == nil {
		return s
	}
	s.Bootstrap = f.mesh.peers.states()
	s.DHT = DHTStatus{Mode: "client", Peers: f.mesh.size()}
	if slices.Contains(f.host.Mux().Protocols(), f.name.protocol()) {
		s.DHT.Mode = "server"
	}
	if at := f.mesh.publisher.published.Load(); at != nil {
		s.DHT.Published = *at
	}
	return s
}

// Servers returns the members in the routing table, which all answer in the mesh's DHT.
func (f *Finder) Servers() []peer.ID {
	if f.mesh == nil {
		return nil
	}
	return f.mesh.dht.RoutingTable().ListPeers()
}
