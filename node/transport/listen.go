package transport

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

// freeTries bounds the search for a port that is free for UDP and TCP on every address.
const freeTries = 16

// Bind takes the port on every address. The UDP sockets hold it, so two nodes that start at
// the same time cannot both get it.
func Bind(cfg Config) (*Sockets, error) {
	if cfg.Symmetric == nil {
		cfg.Symmetric = func() bool { return false }
	}
	wanted := cfg.Port
	if wanted == 0 {
		cfg.Port = DefaultPort
	}
	s, err := bindPort(cfg)
	if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
		return s, err
	}
	if wanted != 0 {
		return nil, fmt.Errorf("%w: choose another with --port, or omit --port to take a free one",
			err)
	}
	cfg.Port = 0
	for range freeTries {
		if s, err = bindPort(cfg); err == nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("no free port found: %w", err)
}

// bindPort takes cfg.Port, or the port that the first address gets if it is 0. It takes it
// on all addresses or on none.
func bindPort(cfg Config) (_ *Sockets, err error) {
	s := &Sockets{cfg: cfg}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	port := cfg.Port
	for _, ip := range cfg.IPs {
		conn, err := cfg.Machine.ListenUDP(family("udp", ip),
			net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
		if err != nil {
			return nil, bindError("udp", ip, port, err)
		}
		s.conns = append(s.conns, conn)
		port = s.Port()
	}
	if !cfg.TCP {
		return s, nil
	}
	for _, ip := range cfg.IPs {
		// libp2p listens with SO_REUSEPORT, which would silently share the port with
		// another listener of the same user. This probe does not use it, so it fails if
		// there is one. Another node cannot take the port between the probe and libp2p's
		// Listen, because a node takes the UDP port first; another program could.
		probe, err := net.ListenTCP(family("tcp", ip),
			net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
		if err != nil {
			return nil, bindError("tcp", ip, port, err)
		}
		probe.Close()
	}
	return s, nil
}

// bindError says which port and address could not be taken, and why.
func bindError(protocol string, ip netip.Addr, port int, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return &inUse{protocol, ip, port}
	}
	at := netip.AddrPortFrom(ip, uint16(port))
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("listen %s %s: this machine has no such address: "+
			"choose one that it has, or omit --listen to take all", protocol, at)
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

// family is the name of a network for one IP version: "udp" for :: would mean both.
func family(protocol string, ip netip.Addr) string {
	if ip.Unmap().Is4() {
		return protocol + "4"
	}
	return protocol + "6"
}

// Listen has a host listen on every address. Listen of a libp2p network is content with
// one of the addresses it is given, so it gets them one by one.
func (s *Sockets) Listen(h host.Host) error {
	for _, ip := range s.cfg.IPs {
		err := listenOn(h, s.quicIP(ip), fmt.Sprintf("/udp/%d/quic-v1", s.Port()))
		if err == nil && s.cfg.TCP {
			err = listenOn(h, ip, fmt.Sprintf("/tcp/%d", s.Port()))
		}
		if err != nil {
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
