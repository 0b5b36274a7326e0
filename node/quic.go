package node

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/quic-go/quic-go"
)

// sockets are the UDP sockets a node is born with, one for each IP address it listens on. libp2p would open
// its own, but then nothing would say in time whether the port is free, and a connection would carry 256
// streams and no more.
type sockets struct {
	conns   []*net.UDPConn
	manager *quicreuse.ConnManager // set once libp2p has built its transports
	lent    []loan
}

type loan struct {
	transport *lentTransport
	back      <-chan struct{}
}

// newManager is what libp2p calls to build its QUIC side. A socket for all addresses is lent, with our own
// settings; one for a single address can't be, and is handed over when libp2p listens there, with
// libp2p's limit of 256 streams for those who dial it.
func (s *sockets) newManager(key quic.StatelessResetKey, tokens quic.TokenGeneratorKey, limits network.ResourceManager) (*quicreuse.ConnManager, error) {
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
	manager.ClientConfig().MaxIncomingStreams = maxCalls
	for _, conn := range s.conns {
		at := conn.LocalAddr().(*net.UDPAddr)
		if !at.IP.IsUnspecified() {
			continue
		}
		transport := &lentTransport{quic.Transport{
			Conn:                conn,
			StatelessResetKey:   &key,
			TokenGeneratorKey:   &tokens,
			ConnContext:         admit,
			VerifySourceAddress: limits.VerifySourceAddress,
		}}
		back, err := manager.LendTransport(family("udp", at.AddrPort().Addr()), transport, conn)
		if err != nil {
			return nil, err
		}
		s.lent = append(s.lent, loan{transport, back})
	}
	return manager, nil
}

// listenUDP hands out the socket that is bound to the address, and makes others as libp2p wants them.
func (s *sockets) listenUDP(network string, at *net.UDPAddr) (net.PacketConn, error) {
	for _, conn := range s.conns {
		have := conn.LocalAddr().(*net.UDPAddr)
		if have.Port == at.Port && have.IP.Equal(at.IP) && !at.IP.IsUnspecified() {
			return conn, nil
		}
	}
	return net.ListenUDP(network, at)
}

// close gives the sockets up, those that libp2p borrowed only when it is done with them: the host is closed before.
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

// lentTransport is QUIC on one socket, with as many streams on a connection as a peer may have calls.
type lentTransport struct{ quic.Transport }

func (t *lentTransport) Listen(tlsConf *tls.Config, conf *quic.Config) (quicreuse.QUICListener, error) {
	conf = conf.Clone()
	conf.MaxIncomingStreams = maxCalls
	return t.Transport.Listen(tlsConf, conf)
}
