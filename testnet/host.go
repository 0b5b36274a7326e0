package testnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/cell-mesh/cell/discovery/mdns"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/config"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/testnet/internet"
)

// simHost is a simulated host, as a node.Machine.
type simHost struct {
	*internet.Host
	lan *lan
}

// Source returns the host's address for an IP version, "udp4" or "udp6".
func (h simHost) Source(version string, _ *net.UDPAddr) (netip.Addr, error) {
	for _, ip := range h.Addrs() {
		if ip.Is4() == (version == "udp4") {
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("the host has no address for %s", version)
}

func (h simHost) ListenUDP(version string, at *net.UDPAddr) (net.PacketConn, error) {
	if at == nil {
		at = &net.UDPAddr{}
	}
	ip, _ := netip.AddrFromSlice(at.IP)
	if ip = ip.Unmap(); !ip.IsValid() || ip.IsUnspecified() {
		source, err := h.Source(version, nil)
		if err != nil {
			return nil, err
		}
		ip = source
	}
	socket, err := h.Host.ListenUDP(netip.AddrPortFrom(ip, uint16(at.Port)))
	if err != nil {
		return nil, err // and not a nil *Socket in an interface
	}
	return socket, nil
}

// Networks returns the host's IPv4 networks. Each site has a /24.
func (h simHost) Networks() (nets []netip.Prefix) {
	for _, ip := range h.Addrs() {
		if net, err := ip.Prefix(24); err == nil && ip.Is4() {
			nets = append(nets, net)
		}
	}
	return nets
}

// Watch reports nothing: hosts keep their addresses.
func (simHost) Watch(context.Context, func()) error { return nil }

func (h simHost) MDNS(of host.Host, service string, found mdns.Notifee) mdns.Service {
	return &neighbour{lan: h.lan, host: of, service: service, found: found}
}

// noDNS is a resolver that knows no name.
type noDNS struct{}

func (noDNS) LookupIPAddr(_ context.Context, name string) ([]net.IPAddr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (noDNS) LookupTXT(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// options turn off what Config.Lean leaves out: limits and counts of peers, and asking
// others whether the node can be reached.
func (n *Net) options() []libp2p.Option {
	if !n.cfg.Lean {
		return nil
	}
	return []libp2p.Option{
		libp2p.ForceReachabilityPublic(),
		libp2p.DisableIdentifyAddressDiscovery(),
		func(cfg *config.Config) error {
			cfg.EnableAutoNATv2, cfg.EnableHolePunching, cfg.Relay = false, false, false
			limits := cfg.ResourceManager
			cfg.ResourceManager = &network.NullResourceManager{}
			keeper := cfg.ConnManager
			cfg.ConnManager = connmgr.NullConnMgr{}
			return errors.Join(limits.Close(), keeper.Close())
		},
	}
}
