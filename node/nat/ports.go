package nat

import (
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/nat/portmap"
)

// ports has the router open ports and tells libp2p their addresses. These are probed like
// all others, and offered to callers once someone has come through.
//
// go-libp2p 0.52.0 has a port mapper of its own, which never speaks NAT-PMP: it first asks
// go-netroute 0.4.0 for the route to 0.0.0.0 and gets an error. And over UPnP it goes
// wherever any neighbour sends it. Both have to be fixed before this can go.
type ports struct{ *portmap.Mapper }

func newPorts(m *Monitor) *ports {
	return &ports{portmap.New(portmap.Config{
		Port:    m.cfg.Port,
		Listens: m.listens,
		Changed: m.portsChanged,
		Log:     m.cfg.Log,
	})}
}

// portsChanged is called by the Mapper's Run. The router's new address is also the one at
// which peers see us.
func (m *Monitor) portsChanged(was, is portmap.State) {
	if was.Outside != is.Outside && was.UDP|was.TCP != 0 && is.UDP|is.TCP != 0 {
		m.cfg.Tasks.Go(m.cfg.Moved)
	}
	signal(m.mapped)
}

// Ports returns the ports that the router opens for us.
func (m *Monitor) Ports() portmap.State {
	if !m.AsksRouter() {
		return portmap.State{}
	}
	return m.ports.State()
}

// AsksRouter reports whether a router is asked for ports.
func (m *Monitor) AsksRouter() bool { return m != nil && m.ports != nil }

// Mapped returns our addresses at the ports that the router opens.
func (m *Monitor) Mapped() (all []ma.Multiaddr) {
	if !m.AsksRouter() {
		return nil
	}
	for _, transport := range []string{maddrs.QUIC, maddrs.TCP} {
		if addr := m.ports.outside(transport); addr != nil {
			all = append(all, addr)
		}
	}
	return all
}

// outside returns our address at the router over one transport, or nil.
func (p *ports) outside(transport string) ma.Multiaddr {
	s := p.State()
	format, port := "/ip4/%s/udp/%d/quic-v1", s.UDP
	if transport == maddrs.TCP {
		format, port = "/ip4/%s/tcp/%d", s.TCP
	}
	if port == 0 {
		return nil
	}
	addr, _ := ma.NewMultiaddr(fmt.Sprintf(format, s.Outside, port))
	return addr
}

// ports is a NATManager of libp2p.

func (p *ports) manager(network.Network) basichost.NATManager { return p }

// GetMapping returns the address at the router that leads to one we listen on, or nil.
func (p *ports) GetMapping(listened ma.Multiaddr) ma.Multiaddr {
	ip, _, transport := maddrs.Parts(listened)
	if !ip.Is4() || ip.IsLoopback() {
		return nil
	}
	return p.outside(transport)
}

// HasDiscoveredNAT reports whether there is a router that opens ports.
func (p *ports) HasDiscoveredNAT() bool { return p.State().By != "" }

// Close does nothing, since Run gives the ports back.
func (p *ports) Close() error { return nil }

// vouch takes the router's word for one port if peers have come through the other one and
// nobody found this one closed. It takes minutes until three peers have probed each of the
// two addresses.
func vouch(mapped []ma.Multiaddr,
	e event.EvtHostReachableAddrsChanged) event.EvtHostReachableAddrsChanged {
	isMapped := func(addr ma.Multiaddr) bool { return ma.Contains(mapped, addr) }
	if slices.ContainsFunc(e.Reachable, isMapped) {
		// clone, because others receive the same event
		e.Reachable = slices.Concat(e.Reachable, ma.FilterAddrs(e.Unknown, isMapped))
		e.Unknown = slices.DeleteFunc(slices.Clone(e.Unknown), isMapped)
	}
	return e
}
