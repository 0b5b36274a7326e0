// Package maddrs answers the questions that the node asks about multiaddrs: which IP
// address and port, which transport, which relay, and how far the address reaches.
//
//	ip, port, transport := maddrs.Parts(addr)
//	if maddrs.RelayOf(addr) == "" && maddrs.IsPublic(addr) { … }
//
// All functions are pure: they look nothing up and ask no network. What to do with an
// address is up to the caller.
package maddrs

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// The transports that Transport tells apart.
const (
	QUIC  = "quic"
	TCP   = "tcp"
	Relay = "relay"
)

// Transport returns QUIC, TCP or Relay: how to reach an address.
func Transport(addr ma.Multiaddr) string {
	transport := TCP
	ma.ForEach(addr, func(c ma.Component) bool {
		switch c.Protocol().Code {
		case ma.P_CIRCUIT:
			transport = Relay
			return false
		case ma.P_QUIC_V1:
			transport = QUIC
		}
		return true
	})
	return transport
}

// Cost orders the transports by preference: 0 for QUIC, then TCP, then relays.
func Cost(addr ma.Multiaddr) int {
	return slices.Index([]string{QUIC, TCP, Relay}, Transport(addr))
}

// Parts splits a direct address. ip is the zero Addr if the address is relayed or does not
// begin with an IP address.
func Parts(addr ma.Multiaddr) (ip netip.Addr, port uint16, transport string) {
	transport = Transport(addr)
	text, err := manet.ToIP(addr)
	if err != nil || transport == Relay {
		return netip.Addr{}, 0, transport
	}
	ip, _ = netip.AddrFromSlice(text)
	for _, code := range []int{ma.P_UDP, ma.P_TCP} {
		if value, err := addr.ValueForProtocol(code); err == nil {
			n, _ := strconv.ParseUint(value, 10, 16)
			port = uint16(n)
		}
	}
	return ip.Unmap(), port, transport
}

// HostPort returns the IP address and port of a direct multiaddr in text form.
func HostPort(text string) (at netip.AddrPort, ok bool) {
	addr, err := ma.NewMultiaddr(text)
	if err != nil {
		return at, false
	}
	ip, port, _ := Parts(addr)
	return netip.AddrPortFrom(ip, port), ip.IsValid()
}

// QUICAndTCP returns the two addresses of a node that listens on an IP address and port.
func QUICAndTCP(ip netip.Addr, port uint16) ([]ma.Multiaddr, error) {
	family := "ip6"
	if ip = ip.Unmap(); ip.Is4() {
		family = "ip4"
	}
	var addrs []ma.Multiaddr
	for _, format := range []string{"/%s/%s/udp/%d/quic-v1", "/%s/%s/tcp/%d"} {
		addr, err := ma.NewMultiaddr(fmt.Sprintf(format, family, ip.WithZone(""), port))
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// Strings returns the addresses in text form.
func Strings(addrs []ma.Multiaddr) []string {
	list := make([]string, len(addrs))
	for i, addr := range addrs {
		list[i] = addr.String()
	}
	return list
}

// splitCircuit splits a relayed address into the address of the relay and the rest. For a
// direct address rest is nil.
func splitCircuit(addr ma.Multiaddr) (relay, rest ma.Multiaddr) {
	return ma.SplitFunc(addr, func(c ma.Component) bool {
		return c.Protocol().Code == ma.P_CIRCUIT
	})
}

// Route describes the way to an address: "direct quic", "direct tcp", "relayed quic" or
// "relayed tcp", where the transport is the one to the relay. It is "relayed" if the
// address does not say how to reach the relay.
func Route(addr ma.Multiaddr) string {
	relay, rest := splitCircuit(addr)
	switch {
	case rest == nil:
		return "direct " + Transport(addr)
	case relay == nil:
		return "relayed"
	}
	return "relayed " + Transport(relay)
}

// RelayOf returns the relay that an address goes through, or "" if the address is direct.
func RelayOf(addr ma.Multiaddr) peer.ID {
	relay, rest := splitCircuit(addr)
	if relay == nil || rest == nil {
		return ""
	}
	_, id := peer.SplitAddr(relay)
	return id
}

// ToRelay returns the direct address of the relay that addr goes through, without the rest.
// It is nil if addr is direct or does not say where the relay is.
func ToRelay(addr ma.Multiaddr) ma.Multiaddr {
	relay, rest := splitCircuit(addr)
	if rest == nil {
		return nil
	}
	return relay
}
