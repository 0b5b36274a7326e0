package node

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/pnet"
	tpt "github.com/libp2p/go-libp2p/core/transport"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/quic-go/quic-go"

	"github.com/cell-mesh/cell/node/limits"
)

// sockets are the UDP sockets a node is born with, one for each IP address it listens on.
// libp2p would open its own, but then nothing would say in time whether the port is free,
// and a connection would carry 256 streams and no more.
type sockets struct {
	cfg     Config
	conns   []net.PacketConn
	manager *quicreuse.ConnManager // set once libp2p has built its transports
	lent    []loan
	// scattered says whether our router takes another port for each destination. It is
	// set before libp2p dials.
	scattered func() bool
}

type loan struct {
	transport *lentTransport
	back      <-chan struct{}
}

// newQUIC is what libp2p calls to build its QUIC transport: of the host, and of a second
// one from which AutoNAT calls those back who ask whether they can be reached. That one
// takes sockets as it needs them, since whoever is called from a port that they have
// called themselves learns nothing.
func (s *sockets) newQUIC(key crypto.PrivKey, reset quic.StatelessResetKey,
	tokens quic.TokenGeneratorKey, psk pnet.PSK,
	gater connmgr.ConnectionGater, limits network.ResourceManager) (tpt.Transport, error) {
	if key.Equals(s.cfg.Identity.key) {
		manager, err := s.newManager(reset, tokens, limits)
		if err != nil {
			return nil, err
		}
		quic, err := libp2pquic.NewTransport(key, manager, psk, gater, limits)
		return &calling{quic, s.scattered}, err
	}
	manager, err := quicreuse.NewConnManager(reset, tokens,
		quicreuse.OverrideListenUDP(s.cfg.Machine.ListenUDP))
	if err != nil {
		return nil, err
	}
	quic, err := libp2pquic.NewTransport(key, manager, psk, gater, limits)
	return probing{quic, manager}, err
}

// probing is a transport with a manager of its own, which the host does not know.
type probing struct {
	tpt.Transport
	manager *quicreuse.ConnManager
}

func (p probing) Close() error { return p.manager.Close() }

// newManager lends the sockets to libp2p, with our own settings: of each IP version the
// first, which is the only one unless the user has named several addresses. Those others
// are handed over when libp2p listens there, with libp2p's limit of 256 streams for those
// who dial them.
func (s *sockets) newManager(key quic.StatelessResetKey, tokens quic.TokenGeneratorKey,
	limits network.ResourceManager) (*quicreuse.ConnManager, error) {
	if s.manager != nil {
		return s.manager, nil
	}
	admit := func(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
		// An address that has no multiaddr is for the limits to judge too.
		from, _ := quicreuse.ToQuicMultiaddr(info.RemoteAddr, quic.Version1)
		scope, err := limits.OpenConnection(network.DirInbound, false, from)
		if err != nil {
			return ctx, err
		}
		ctx = network.WithConnManagementScope(ctx, scope)
		context.AfterFunc(ctx, scope.Done)
		return ctx, nil
	}
	manager, err := quicreuse.NewConnManager(key, tokens,
		quicreuse.ConnContext(admit),
		quicreuse.VerifySourceAddress(limits.VerifySourceAddress),
		quicreuse.OverrideListenUDP(s.listenUDP))
	if err != nil {
		return nil, err
	}
	s.manager = manager
	s.tune(manager.ClientConfig())
	for _, conn := range s.conns {
		version := family("udp", boundTo(conn))
		if s.hasLent(version) {
			continue
		}
		make := func(conn net.PacketConn) *quic.Transport {
			return &quic.Transport{
				Conn:                conn,
				StatelessResetKey:   &key,
				TokenGeneratorKey:   &tokens,
				ConnContext:         admit,
				VerifySourceAddress: limits.VerifySourceAddress,
			}
		}
		socket := &lentSocket{PacketConn: conn, lending: true}
		transport := &lentTransport{Transport: make(conn), sockets: s, at: boundTo(conn),
			version: version, make: make}
		back, err := manager.LendTransport(version, transport, socket)
		if err != nil {
			return nil, err
		}
		socket.lending = false
		s.lent = append(s.lent, loan{transport, back})
	}
	return manager, nil
}

// tune makes room for as many streams as a peer may have calls, and for what a call sends
// at first: the receive window of a stream grows only as round trips go by, and quic-go
// begins at 512 KiB. What all streams of a connection may hold together stays at libp2p's
// 15 MB.
//
// libp2p keeps every connection alive for good. Here one over which nothing is said ends
// after libp2p's 30 s, at both ends and without a packet: those who need it, for a call,
// a relay or a way into the mesh, ask each other for signs of life by themselves. A peer
// that is met for a search costs nothing any more once that is over.
func (s *sockets) tune(conf *quic.Config) {
	conf.MaxIncomingStreams = limits.MaxCalls
	conf.InitialStreamReceiveWindow = 2 << 20
	conf.InitialConnectionReceiveWindow = 3 << 20
	conf.KeepAlivePeriod = 0
}

func (s *sockets) hasLent(version string) bool {
	for _, l := range s.lent {
		if l.transport.version == version {
			return true
		}
	}
	return false
}

// listenAt is where libp2p is told to listen for what is to be answered at an address:
// the socket that is lent for it passes for one that is bound to every address of its IP
// version.
func (s *sockets) listenAt(ip netip.Addr) netip.Addr {
	for _, l := range s.lent {
		if l.transport.at != ip {
			continue
		}
		if ip.Is4() {
			return netip.IPv4Unspecified()
		}
		return netip.IPv6Unspecified()
	}
	return ip
}

func boundTo(conn interface{ LocalAddr() net.Addr }) netip.Addr {
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// lentSocket is a socket as libp2p sees it. It lets itself be lent only such as are bound
// to every address, so while it looks, this one says that it is. Afterwards it tells the
// truth, which is what libp2p tells peers.
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

// listenUDP hands out the socket that is bound to the address, and makes others as libp2p
// wants them.
func (s *sockets) listenUDP(network string, at *net.UDPAddr) (net.PacketConn, error) {
	for _, conn := range s.conns {
		have := conn.LocalAddr().(*net.UDPAddr)
		if have.Port == at.Port && have.IP.Equal(at.IP) && !at.IP.IsUnspecified() {
			return conn, nil
		}
	}
	return s.cfg.Machine.ListenUDP(network, at)
}

// close gives the sockets up, those that libp2p borrowed only when it is done with them:
// the host is closed before.
func (s *sockets) close() {
	if s.manager != nil {
		s.manager.Close()
	}
	for _, l := range s.lent {
		<-l.back
		l.transport.Close()
	}
	for _, conn := range s.conns {
		conn.Close() // again, for some
	}
}

// lentTransport is QUIC on one socket, with as many streams on a connection as a peer may
// have calls. If the socket is bound to one address, peers that are reached from another
// one are dialled from a second socket.
type lentTransport struct {
	*quic.Transport
	sockets *sockets
	at      netip.Addr
	version string // "udp4" or "udp6"
	make    func(net.PacketConn) *quic.Transport

	mu    sync.Mutex
	other *quic.Transport // nil until it is needed
}

func (t *lentTransport) Listen(tlsConf *tls.Config,
	conf *quic.Config) (quicreuse.QUICListener, error) {
	conf = conf.Clone()
	t.sockets.tune(conf)
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
	source, err := t.sockets.cfg.Machine.Source(t.version, peer)
	if err != nil {
		return nil, err
	}
	if source.WithZone("") == t.at.WithZone("") {
		return t.Transport, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.other == nil {
		conn, err := t.sockets.cfg.Machine.ListenUDP(t.version, nil)
		if err != nil {
			return nil, err
		}
		t.other = t.make(conn)
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
