package testnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/config"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"

	"github.com/cell-mesh/cell/testnet/internet"
)

// machine is a host of the simulated internet as a node.Machine.
type machine struct {
	host *internet.Host
	lan  *lan
}

// own is the host's address of an IP version.
func (m machine) own(version string) (netip.Addr, error) {
	addrs := m.host.Addrs()
	i := slices.IndexFunc(addrs, func(ip netip.Addr) bool {
		return ip.Is4() == (version == "udp4")
	})
	if i < 0 {
		return netip.Addr{}, fmt.Errorf("the host has no address for %s", version)
	}
	return addrs[i], nil
}

func (m machine) ListenUDP(version string, at *net.UDPAddr) (net.PacketConn, error) {
	if at == nil {
		at = &net.UDPAddr{}
	}
	ip, _ := netip.AddrFromSlice(at.IP)
	if ip = ip.Unmap(); !ip.IsValid() || ip.IsUnspecified() {
		own, err := m.own(version)
		if err != nil {
			return nil, err
		}
		ip = own
	}
	socket, err := m.host.ListenUDP(netip.AddrPortFrom(ip, uint16(at.Port)))
	if err != nil {
		return nil, err // and no socket in an interface
	}
	return socket, nil
}

func (m machine) Source(version string, _ *net.UDPAddr) (netip.Addr, error) {
	return m.own(version)
}

// Networks are those of the host's sites, each of which is a /24.
func (m machine) Networks() (nets []netip.Prefix) {
	for _, ip := range m.host.Addrs() {
		if net, err := ip.Prefix(24); err == nil && ip.Is4() {
			nets = append(nets, net)
		}
	}
	return nets
}

// Watch has nothing to tell: hosts keep their addresses.
func (m machine) Watch(context.Context, func()) error {
	return nil
}

func (m machine) MDNS(h host.Host, service string, found mdns.Notifee) mdns.Service {
	return &neighbour{lan: m.lan, host: h, service: service, found: found}
}

// nowhere is a DNS without names.
type nowhere struct{}

func (nowhere) LookupIPAddr(_ context.Context, name string) ([]net.IPAddr, error) {
	return nil, &net.DNSError{Err: errNoNames.Error(), Name: name, IsNotFound: true}
}

func (nowhere) LookupTXT(_ context.Context, name string) ([]string, error) {
	return nil, &net.DNSError{Err: errNoNames.Error(), Name: name, IsNotFound: true}
}

var errNoNames = errors.New("there are no names here")

// options are what Config.Lean leaves out: keeping count of peers and of what they use,
// and asking others whether we can be reached.
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
