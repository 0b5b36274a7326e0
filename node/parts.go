package node

import (
	"net/netip"
	"strconv"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// parts takes a direct address apart: the zero Addr stands for one that does not begin with an IP.
func parts(addr ma.Multiaddr) (ip netip.Addr, port uint16, kind string) {
	kind = transport(addr)
	text, err := manet.ToIP(addr)
	if err != nil || kind == "relay" {
		return netip.Addr{}, 0, kind
	}
	ip, _ = netip.AddrFromSlice(text)
	for _, code := range []int{ma.P_UDP, ma.P_TCP} {
		if value, err := addr.ValueForProtocol(code); err == nil {
			n, _ := strconv.ParseUint(value, 10, 16)
			port = uint16(n)
		}
	}
	return ip.Unmap(), port, kind
}

// HostPort takes the IP address and the port out of a multiaddr that leads there without a relay.
func HostPort(text string) (at netip.AddrPort, ok bool) {
	addr, err := ma.NewMultiaddr(text)
	if err != nil {
		return at, false
	}
	ip, port, _ := parts(addr)
	return netip.AddrPortFrom(ip, port), ip.IsValid()
}
