package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/quic-go/quic-go"
)

// loan is a transport that libp2p uses until it closes returned.
type loan struct {
	transport *lentTransport
	returned  <-chan struct{}
}

// lend lends a socket to libp2p, unless one of the same IP version is lent already.
func (s *Sockets) lend(conn net.PacketConn,
	newTransport func(net.PacketConn) *quic.Transport) error {
	at := localIP(conn)
	version := family("udp", at)
	for _, l := range s.lent {
		if l.transport.version == version {
			return nil
		}
	}
	socket := &lentSocket{PacketConn: conn, lending: true}
	transport := &lentTransport{Transport: newTransport(conn), sockets: s, at: at,
		version: version, newTransport: newTransport}
	returned, err := s.manager.LendTransport(version, transport, socket)
	if err != nil {
		return err
	}
	socket.lending = false
	s.lent = append(s.lent, loan{transport, returned})
	return nil
}

func localIP(conn net.PacketConn) netip.Addr {
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// lentSocket is a socket as libp2p sees it. libp2p (0.52) borrows only sockets that are
// bound to every address, so this one says that it is while it is being lent. Afterwards it
// tells the truth, which libp2p passes on to peers.
type lentSocket struct {
	net.PacketConn
	lending bool
}

func (s *lentSocket) LocalAddr() net.Addr {
	at := s.PacketConn.LocalAddr().(*net.UDPAddr)
	if s.lending {
		return &net.UDPAddr{IP: make(net.IP, len(at.IP)), Port: at.Port}
	}
	return at
}

// lentTransport is QUIC on one socket. If the socket is bound to one address, peers that
// are reached from another one are dialled from a second socket.
type lentTransport struct {
	*quic.Transport
	sockets      *Sockets
	at           netip.Addr
	version      string // "udp4" or "udp6"
	newTransport func(net.PacketConn) *quic.Transport

	mu    sync.Mutex
	other *quic.Transport // nil until it is needed
}

func (t *lentTransport) Listen(tlsConf *tls.Config,
	conf *quic.Config) (quicreuse.QUICListener, error) {
	conf = conf.Clone()
	tune(conf)
	return t.Transport.Listen(tlsConf, conf)
}

func (t *lentTransport) Dial(ctx context.Context, to net.Addr, tlsConf *tls.Config,
	conf *quic.Config) (*quic.Conn, error) {
	from, err := t.from(to)
	if err != nil {
		return nil, err
	}
	return from.Dial(ctx, to, tlsConf, conf)
}

func (t *lentTransport) WriteTo(data []byte, to net.Addr) (int, error) {
	from, err := t.from(to)
	if err != nil {
		return 0, err
	}
	return from.WriteTo(data, to)
}

// from returns the transport whose packets reach an address.
func (t *lentTransport) from(to net.Addr) (*quic.Transport, error) {
	peer, ok := to.(*net.UDPAddr)
	if !ok || t.at.IsUnspecified() {
		return t.Transport, nil
	}
	machine := t.sockets.cfg.Machine
	source, err := machine.Source(t.version, peer)
	if err != nil {
		return nil, err
	}
	if source.WithZone("") == t.at.WithZone("") {
		return t.Transport, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.other == nil {
		conn, err := machine.ListenUDP(t.version, nil)
		if err != nil {
			return nil, err
		}
		t.other = t.newTransport(conn)
	}
	return t.other, nil
}

// Close closes both transports, and the second socket.
func (t *lentTransport) Close() error {
	err := t.Transport.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.other != nil {
		err = errors.Join(err, t.other.Close(), t.other.Conn.Close())
	}
	return err
}
