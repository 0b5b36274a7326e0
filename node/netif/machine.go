// Package netif is the machine that a node runs on, as far as its network goes: sockets,
// interfaces, changes of them, and mDNS.
//
//	var m netif.Machine = netif.Local{}
//	for _, network := range m.Networks() { … }
//	err := m.Watch(ctx, func() { fmt.Println("addresses changed") })
//
// Local is the machine that the program runs on. A simulation implements Machine itself.
// Watch promises to miss no change from the moment it is called, and polls nothing: the
// kernel tells. What a change means for connections is up to the caller.
package netif

import (
	"context"
	"net"
	"net/netip"

	"github.com/cell-mesh/cell/discovery/mdns"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/cell-mesh/cell/internal/rawio"
)

// Machine is what a node needs of the machine it runs on.
type Machine interface {
	// ListenUDP opens a socket; network is "udp4" or "udp6". The error is
	// syscall.EADDRINUSE if the port is taken.
	ListenUDP(network string, at *net.UDPAddr) (net.PacketConn, error)

	// Source returns the address from which packets to another one are sent.
	Source(network string, to *net.UDPAddr) (netip.Addr, error)

	// Networks returns the networks that the machine's interfaces are in.
	Networks() []netip.Prefix

	// Watch calls changed when the machine's addresses have changed, until ctx ends.
	Watch(ctx context.Context, changed func()) error

	// MDNS makes the service that announces h in the local network and looks for others.
	MDNS(h host.Host, service string, found mdns.Notifee) mdns.Service
}

// Local is the machine that the program runs on.
type Local struct{}

var _ Machine = Local{}

func (Local) ListenUDP(network string, at *net.UDPAddr) (net.PacketConn, error) {
	conn, err := net.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	return rawio.UDP(conn), nil
}

func (Local) Source(network string, to *net.UDPAddr) (netip.Addr, error) {
	probe, err := net.DialUDP(network, nil, to) // sends nothing: it asks for the route
	if err != nil {
		return netip.Addr{}, err
	}
	defer probe.Close()
	return probe.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

func (Local) Networks() (nets []netip.Prefix) {
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		if prefix, err := netip.ParsePrefix(addr.String()); err == nil {
			nets = append(nets, prefix.Masked())
		}
	}
	return nets
}

func (Local) Watch(ctx context.Context, changed func()) error {
	w, err := newWatcher()
	if err != nil {
		return err
	}
	return w.run(ctx, changed)
}

func (Local) MDNS(h host.Host, service string, found mdns.Notifee) mdns.Service {
	return mdns.ForHost(h, service, found, nil)
}
