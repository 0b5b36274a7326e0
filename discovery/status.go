package discovery

import (
	"errors"
	"fmt"
	"slices"
	"time"

	kbucket "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
)

// Status is how things stand in the mesh.
type Status struct {
	Mesh      string      `json:"mesh"`
	DHT       DHTStatus   `json:"dht"`
	Bootstrap []PeerState `json:"bootstrap"`
	// Near is how many peers mDNS has seen in the local network, or -1 if it does not look.
	Near int `json:"near"`
}

// DHTStatus is our part in the mesh's DHT.
type DHTStatus struct {
	Mode  string `json:"mode"`  // "client": we ask; "server": we answer too; "off"
	Peers int    `json:"peers"` // in the routing table
	// Published is when the mesh was last told where we are, if ever.
	Published time.Time `json:"published,omitzero"`
}

// PeerState is a bootstrap peer and whether it is there.
type PeerState struct {
	ID        string   `json:"id"`
	Addrs     []string `json:"addrs"`
	Connected bool     `json:"connected"`
	Error     string   `json:"error,omitempty"` // of the last attempt
}

// Status returns how things stand now.
func (f *Finder) Status() Status {
	s := Status{Mesh: f.mesh.name, DHT: DHTStatus{Mode: "off"}, Bootstrap: f.boots.states(),
		Near: -1}
	if f.near != nil {
		s.Near = f.near.count()
	}
	if f.dht != nil {
		s.DHT = DHTStatus{Mode: "client", Peers: f.dht.RoutingTable().Size()}
		if slices.Contains(f.host.Mux().Protocols(), f.mesh.protocol()) {
			s.DHT.Mode = "server"
		}
	}
	if at := f.announced.Load(); at != nil {
		s.DHT.Published = *at
	}
	return s
}

// contacts are some connections to servers of the DHT, through whom it can be joined
// again without a bootstrap peer.
func (f *Finder) contacts() []network.Conn {
	if f.dht == nil {
		return nil
	}
	var conns []network.Conn
	for _, id := range f.dht.RoutingTable().ListPeers() {
		for _, conn := range f.host.Network().ConnsToPeer(id) {
			if lasting(conn) {
				conns = append(conns, conn)
				break
			}
		}
		if len(conns) == 2*maxRejoin {
			break
		}
	}
	return conns
}

// lasting says whether the address behind a connection will work again: we dialled it,
// and no relay lent it.
func lasting(conn network.Conn) bool {
	return conn.Stat().Direction == network.DirOutbound && !isRelayed(conn.RemoteMultiaddr())
}

// Servers are the members of the mesh that we know to answer in its DHT.
func (f *Finder) Servers() []peer.ID {
	if f.dht == nil {
		return nil
	}
	return f.dht.RoutingTable().ListPeers()
}

// Introduce takes peers for members of the mesh that answer in its DHT, without asking
// them: as many as the routing table has room for. They are asked when it matters.
func (f *Finder) Introduce(members ...peer.AddrInfo) error {
	if f.dht == nil {
		return nil
	}
	for _, m := range members {
		added, err := f.dht.RoutingTable().TryAddPeer(m.ID, true, false)
		if err != nil && !errors.Is(err, kbucket.ErrPeerRejectedNoCapacity) {
			return fmt.Errorf("introduce %s: %w", m.ID, err)
		}
		if added {
			f.host.Peerstore().AddAddrs(m.ID, m.Addrs, peerstore.PermanentAddrTTL)
		}
	}
	return nil
}

// Remembered are addresses at which the peer was reached before.
func (f *Finder) Remembered(id peer.ID) []ma.Multiaddr { return f.cache.get(id) }
