package node

import (
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Route says how the call travels: "direct quic", "direct tcp", or by a relay "relayed
// quic" or "relayed tcp", which is how the relay is reached, or "relayed" if that is not
// known.
func (s *stream) Route() string { return routeTo(s.raw.Conn().RemoteMultiaddr()) }

// routeTo is the same of an address.
func routeTo(at ma.Multiaddr) string {
	below, circuit := ma.SplitFunc(at, func(c ma.Component) bool {
		return c.Protocol().Code == ma.P_CIRCUIT
	})
	switch {
	case circuit == nil:
		return "direct " + transport(at)
	case below == nil:
		return "relayed"
	}
	return "relayed " + transport(below)
}

// relayOf is the relay that an address leads through, or "" if it is a direct one.
func relayOf(addr ma.Multiaddr) peer.ID {
	below, circuit := ma.SplitFunc(addr, func(c ma.Component) bool {
		return c.Protocol().Code == ma.P_CIRCUIT
	})
	if circuit == nil || below == nil {
		return ""
	}
	_, id := peer.SplitAddr(below)
	return id
}
