package node

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/nat/portmap"
)

// ports has the router open ports for us, and tells libp2p where they are: these
// addresses are probed like all others, and offered to callers once someone has come
// through. go-libp2p 0.51.0 has the like of it, which never asks by NAT-PMP: before, it
// has to know the way to 0.0.0.0, and go-netroute 0.4.0 says that there is none. By UPnP
// it goes wherever any neighbour sends it.
type ports struct{ *portmap.Mapper }

// newPorts makes what Run runs.
func (n *Node) newPorts(port int) *ports {
	return &ports{portmap.New(portmap.Config{
		Port:    uint16(port),
		Listens: n.reach.listens,
		Changed: n.portsChanged,
		Log:     n.log,
	})}
}

// portsChanged is called by Run. The router's new address is the one at which others see us, too.
func (n *Node) portsChanged(was, is portmap.State) {
	if was.Outside != is.Outside && was.UDP|was.TCP != 0 && is.UDP|is.TCP != 0 {
		n.tasks.Go(n.roam)
	}
}

// run asks and keeps asking until ctx ends.
func (p *ports) run(ctx context.Context) error {
	if p != nil {
		p.Mapper.Run(ctx)
	}
	return nil
}

// moved is for when this machine is in another network.
func (p *ports) moved() {
	if p != nil {
		p.Mapper.Moved()
	}
}

// ports are those that the router opens; none on loopback.
func (n *Node) ports() portmap.State {
	if n.reach == nil || n.reach.ports == nil {
		return portmap.State{}
	}
	return n.reach.ports.State()
}

func (p *ports) manager(network.Network) basichost.NATManager { return p }

// GetMapping is the address outside that leads to one that we listen at, or nil.
func (p *ports) GetMapping(listened ma.Multiaddr) ma.Multiaddr {
	ip, _, kind := maddrs.Parts(listened)
	if !ip.Is4() || ip.IsLoopback() {
		return nil
	}
	return p.outside(kind)
}

// outside is the address that leads here over "quic" or "tcp", or nil.
func (p *ports) outside(kind string) ma.Multiaddr {
	s := p.State()
	format, port := "/ip4/%s/udp/%d/quic-v1", s.UDP
	if kind == "tcp" {
		format, port = "/ip4/%s/tcp/%d", s.TCP
	}
	if port == 0 {
		return nil
	}
	addr, _ := ma.NewMultiaddr(fmt.Sprintf(format, s.Outside, port))
	return addr
}

// mapped are the addresses outside that lead here. Where no router is asked there are
// none, nor for a nil reach.
func (r *reach) mapped() (all []ma.Multiaddr) {
	if r == nil || r.ports == nil {
		return nil
	}
	for _, kind := range []string{"quic", "tcp"} {
		if addr := r.ports.outside(kind); addr != nil {
			all = append(all, addr)
		}
	}
	return all
}

// vouch takes the router's word for one port where others have come through the other
// one, until somebody finds it closed: it takes minutes until each of two addresses has
// been probed by three peers.
func vouch(mapped []ma.Multiaddr, e event.EvtHostReachableAddrsChanged) event.EvtHostReachableAddrsChanged {
	isMapped := func(addr ma.Multiaddr) bool { return ma.Contains(mapped, addr) }
	if slices.ContainsFunc(e.Reachable, isMapped) {
		// others hear of the same event
		e.Reachable = slices.Concat(e.Reachable, ma.FilterAddrs(e.Unknown, isMapped))
		e.Unknown = slices.DeleteFunc(slices.Clone(e.Unknown), isMapped)
	}
	return e
}

// HasDiscoveredNAT says whether there is a router that opens ports.
func (p *ports) HasDiscoveredNAT() bool { return p.State().By != "" }

// Close has nothing to do: Run gives the ports back.
func (p *ports) Close() error { return nil }

// listens says whether we listen at an address of this machine.
func (r *reach) listens(ip netip.Addr) bool {
	return slices.ContainsFunc(r.ips, func(l netip.Addr) bool {
		return l == ip || l.IsUnspecified() && l.Is4() == ip.Is4()
	})
}
