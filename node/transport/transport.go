// Package transport holds what a node's QUIC and TCP are made of: the sockets, the port
// that they share, and TLS.
//
//	s, err := transport.Bind(transport.Config{Machine: netif.Local{}, Key: key,
//		IPs: transport.AllIPs(), TCP: true})
//	h, err := libp2p.New(append(s.Options(), libp2p.NoListenAddrs)...)
//	err = s.Listen(h)
//	defer s.Close() // after h.Close()
//
// It promises: Bind fails if the port is taken, also by another libp2p program, and two
// nodes never get the same one. After Listen every address is listening. A QUIC connection
// carries as many streams as a peer may have calls, and ends by itself when it is idle. A
// TCP connection writes to its socket once where libp2p would write four times.
//
// Relayed connections are left to package relay, and so are limits to package limits.
package transport

import (
	"net"
	"net/netip"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/cell-mesh/cell/node/netif"
)

// DefaultPort is the port of a node unless another program has it.
const DefaultPort = 4433

// Config says what to listen on. Machine, Key and IPs must be set.
type Config struct {
	Machine netif.Machine
	// Key is the private key of the host.
	Key crypto.PrivKey
	// IPs are the addresses to listen on, without IPv4-mapped ones.
	IPs []netip.Addr
	// Port is the UDP and TCP port. If 0, DefaultPort, or a free one if that is taken.
	Port int
	// TCP says to listen on TCP too.
	TCP bool
	// Symmetric reports whether our NAT takes another port for each destination. It is
	// called during hole punches. If nil, it does not.
	Symmetric func() bool
}

// Sockets are the UDP sockets of a host, one for each IP address that it listens on.
// libp2p would open its own. But then nothing would say in time whether the port is free,
// and a connection could carry no more than 256 streams.
type Sockets struct {
	cfg     Config
	conns   []net.PacketConn
	manager *quicreuse.ConnManager // set once libp2p has built its transports
	lent    []loan
}

// AllIPs is every address of this machine: IPv4, and IPv6 if the machine has it.
func AllIPs() []netip.Addr {
	all := []netip.Addr{netip.IPv4Unspecified()}
	if conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback}); err == nil {
		conn.Close()
		all = append(all, netip.IPv6Unspecified())
	}
	return all
}

// Port returns the port that is bound.
func (s *Sockets) Port() int { return s.conns[0].LocalAddr().(*net.UDPAddr).Port }

// Options make a host use these sockets.
func (s *Sockets) Options() []libp2p.Option {
	options := []libp2p.Option{libp2p.QUICReuse(s.newManager), libp2p.Transport(s.newQUIC)}
	if s.cfg.TCP {
		options = append(options, libp2p.Transport(tcp.NewTCPTransport))
	}
	return options
}

// Close closes the sockets. The host must be closed before.
func (s *Sockets) Close() {
	if s.manager != nil {
		s.manager.Close()
	}
	for _, l := range s.lent {
		<-l.returned
		l.transport.Close()
	}
	for _, conn := range s.conns {
		conn.Close() // again, for some
	}
}
