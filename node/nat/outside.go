package nat

import (
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/node/maddrs"
)

// askOutside asks a peer at its IPv4 address where it sees us, if we have reached it over
// IPv6 and nobody has told us yet. A machine with a public IPv6 address and a private IPv4
// address reaches most peers over IPv6. Then nobody tells it its public IPv4 address, which
// it needs to reach peers that only have IPv4.
func (m *Monitor) askOutside(e event.EvtPeerIdentificationCompleted) {
	if ip, _, _ := maddrs.Parts(e.Conn.RemoteMultiaddr()); !ip.Is6() ||
		m.addrs.outside4.Load() != nil || !slices.ContainsFunc(m.own(), maddrs.IsPrivate4) {
		return
	}
	for _, addr := range e.ListenAddrs {
		at, _ := peer.SplitAddr(addr)
		if at == nil {
			continue
		}
		ip, _, transport := maddrs.Parts(at)
		if !ip.Is4() || transport != maddrs.QUIC || !maddrs.IsPublic(at) {
			continue
		}
		select {
		case m.asking <- struct{}{}:
		default:
			return
		}
		m.cfg.Tasks.Go(func() {
			defer func() { <-m.asking }()
			seen, err := m.mirror.AskAt(m.cfg.Tasks.Context(), e.Peer, at)
			if err == nil && seen.Addr().Is4() {
				m.addrs.outside4.Store(&seen)
			}
		})
		return
	}
}

// Outside returns the result of askOutside, or the zero AddrPort.
func (m *Monitor) Outside() netip.AddrPort {
	if m == nil || m.addrs.outside4.Load() == nil {
		return netip.AddrPort{}
	}
	return *m.addrs.outside4.Load()
}
