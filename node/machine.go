package node

import (
	"context"
	"net"
	"net/netip"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"

	"github.com/cell-mesh/cell/internal/rawio"
)

// Machine is what a node runs on, as far as its network goes.
type Machine interface {
	// ListenUDP opens a socket; network is "udp4" or "udp6". The error is a
	// syscall.EADDRINUSE if the port is taken.
	ListenUDP(network string, at *net.UDPAddr) (net.PacketConn, error)

	// Source is the address from which packets to another one leave.
	Source(network string, to *net.UDPAddr) (netip.Addr, error)

	// Networks are those that the machine's interfaces are in.
	Networks() []netip.Prefix

	// Watch calls moved when the machine has other addresses than before, until ctx ends.
	Watch(ctx context.Context, moved func()) error

	// MDNS makes what looks around in the local network, and is seen there.
	MDNS(h host.Host, service string, found mdns.Notifee) mdns.Service
}

// thisMachine is the one that the program runs on.
type thisMachine struct{}

func (thisMachine) ListenUDP(network string, at *net.UDPAddr) (net.PacketConn, error) {
	conn, err := net.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	return rawio.UDP(conn), nil
}

func (thisMachine) Source(network string, to *net.UDPAddr) (netip.Addr, error) {
	probe, err := net.DialUDP(network, nil, to) // sends nothing: it asks for the route
	if err != nil {
		return netip.Addr{}, err
	}
	defer probe.Close()
	return boundTo(probe), nil
}

func (thisMachine) Networks() (nets []netip.Prefix) {
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		if prefix, err := netip.ParsePrefix(addr.String()); err == nil {
			nets = append(nets, prefix.Masked())
		}
	}
	return nets
}

func (thisMachine) Watch(ctx context.Context, moved func()) error {
	return watchInterfaces(ctx, moved)
}

func (thisMachine) MDNS(h host.Host, service string, found mdns.Notifee) mdns.Service {
	return mdns.NewMdnsService(h, service, found)
}
