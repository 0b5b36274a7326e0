package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// DefaultPort is where a node is expected, unless someone else is there.
const DefaultPort = 4433

// freeTries bounds the search for a port that is free for UDP and TCP on every address.
const freeTries = 16

// everywhere is what no Listen means: IPv4, and IPv6 if the machine has it.
func everywhere() []netip.Addr {
	all := []netip.Addr{netip.IPv4Unspecified()}
	if conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback}); err == nil {
		conn.Close()
		all = append(all, netip.IPv6Unspecified())
	}
	return all
}

// bind takes a port on every address: wanted, or, if that is 0, the default one or else
// any that is free. The UDP sockets are what holds it; two stems that start at once can't
// both get it.
func bind(cfg Config, ips []netip.Addr, tcp bool) (*sockets, int, error) {
	wanted := cfg.Port
	port := wanted
	if port == 0 {
		port = DefaultPort
	}
	s, err := bindPort(cfg, ips, port, tcp)
	if err == nil {
		return s, port, nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return nil, 0, err
	}
	if wanted != 0 {
		return nil, 0, fmt.Errorf("%w: choose another with --port, or leave --port out to take "+
			"a free one", err)
	}
	for range freeTries {
		if s, err = bindPort(cfg, ips, 0, tcp); err == nil {
			return s, s.conns[0].LocalAddr().(*net.UDPAddr).Port, nil
		}
	}
	return nil, 0, fmt.Errorf("found no free port: %w", err)
}

// bindPort takes one port, or the one that the first address gets if it is 0, or nothing.
func bindPort(cfg Config, ips []netip.Addr, port int, tcp bool) (_ *sockets, err error) {
	s := &sockets{cfg: cfg}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for _, ip := range ips {
		conn, err := cfg.Machine.ListenUDP(family("udp", ip),
			net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
		if err != nil {
			return nil, bindError("udp", ip, port, err)
		}
		s.conns = append(s.conns, conn)
		port = conn.LocalAddr().(*net.UDPAddr).Port
	}
	for _, ip := range ips {
		if !tcp {
			break
		}
		// libp2p listens with SO_REUSEPORT, which would share a port with another
		// listener of the same user and never say so. This probe does without, and so
		// fails if there is any. Between it and libp2p's listening only a program that is
		// no stem could step in: a stem takes the UDP port first.
		probe, err := net.ListenTCP(family("tcp", ip),
			net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
		if err != nil {
			return nil, bindError("tcp", ip, port, err)
		}
		probe.Close()
	}
	return s, nil
}

// bindError says which port is taken, and by whom in so far as the kernel tells: on which
// protocol and address.
func bindError(protocol string, ip netip.Addr, port int, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return &inUse{protocol, ip, port}
	}
	at := netip.AddrPortFrom(ip, uint16(port))
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("listen %s %s: this machine has no such address: name one that it "+
			"has, or leave --listen out to take all", protocol, at)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err // the rest would only repeat the address
	}
	return fmt.Errorf("listen %s %s: %w", protocol, at, err)
}

type inUse struct {
	protocol string
	ip       netip.Addr
	port     int
}

func (e *inUse) Error() string {
	return fmt.Sprintf("port %d is in use (%s %s)", e.port, e.protocol, e.ip)
}

func (e *inUse) Unwrap() error { return syscall.EADDRINUSE }

// family makes a network name of it that means one IP version: "udp" for :: would mean both.
func family(protocol string, ip netip.Addr) string {
	if ip.Unmap().Is4() {
		return protocol + "4"
	}
	return protocol + "6"
}

// listen opens every address, for QUIC where quicAt says. Host.Network().Listen is
// content with one of them, so they go one by one.
func listen(h host.Host, ips []netip.Addr, quicAt func(netip.Addr) netip.Addr, port int,
	tcp bool) error {
	for _, ip := range ips {
		if err := listenOn(h, quicAt(ip), fmt.Sprintf("/udp/%d/quic-v1", port)); err != nil {
			return fmt.Errorf("listen %s: %w", ip, err)
		}
		if !tcp {
			continue
		}
		if err := listenOn(h, ip, fmt.Sprintf("/tcp/%d", port)); err != nil {
			return fmt.Errorf("listen %s: %w", ip, err)
		}
	}
	return nil
}

func listenOn(h host.Host, ip netip.Addr, suffix string) error {
	base, err := manet.FromIP(ip.AsSlice())
	if err != nil {
		return err
	}
	if zone := ip.Zone(); zone != "" {
		base = ma.Join(ma.StringCast("/ip6zone/"+zone), base)
	}
	return h.Network().Listen(base.Encapsulate(ma.StringCast(suffix)))
}
