package transport

import (
	"context"
	"net"
	"net/netip"

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

// newQUIC is called by libp2p to build its QUIC transports: the host's, and a second one
// from which AutoNAT dials back to peers that ask whether they are reachable. The second
// one opens sockets as it needs them: a peer that is called from a port that it has called
// itself learns nothing.
func (s *Sockets) newQUIC(key crypto.PrivKey, reset quic.StatelessResetKey,
	tokens quic.TokenGeneratorKey, psk pnet.PSK, gater connmgr.ConnectionGater,
	rcmgr network.ResourceManager) (tpt.Transport, error) {
	if key.Equals(s.cfg.Key) {
		manager, err := s.newManager(reset, tokens, rcmgr)
		if err != nil {
			return nil, err
		}
		quic, err := libp2pquic.NewTransport(key, manager, psk, gater, rcmgr)
		return &simultaneous{quic, s.cfg.Symmetric}, err
	}
	manager, err := quicreuse.NewConnManager(reset, tokens,
		quicreuse.OverrideListenUDP(s.cfg.Machine.ListenUDP))
	if err != nil {
		return nil, err
	}
	quic, err := libp2pquic.NewTransport(key, manager, psk, gater, rcmgr)
	return dialBack{quic, manager}, err
}

// dialBack is a transport with a manager of its own, which the host does not close.
type dialBack struct {
	tpt.Transport
	manager *quicreuse.ConnManager
}

func (d dialBack) Close() error { return d.manager.Close() }

// newManager lends the sockets to libp2p, with our own settings: the first of each IP
// version, which is the only one unless the user has named several addresses. libp2p gets
// the others when it listens there. Peers that dial those have libp2p's limit of 256 streams.
func (s *Sockets) newManager(key quic.StatelessResetKey, tokens quic.TokenGeneratorKey,
	rcmgr network.ResourceManager) (*quicreuse.ConnManager, error) {
	if s.manager != nil {
		return s.manager, nil
	}
	admit := func(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
		// the resource manager also judges an address that has no multiaddr
		from, _ := quicreuse.ToQuicMultiaddr(info.RemoteAddr, quic.Version1)
		scope, err := rcmgr.OpenConnection(network.DirInbound, false, from)
		if err != nil {
			return ctx, err
		}
		ctx = network.WithConnManagementScope(ctx, scope)
		context.AfterFunc(ctx, scope.Done)
		return ctx, nil
	}
	manager, err := quicreuse.NewConnManager(key, tokens,
		quicreuse.ConnContext(admit),
		quicreuse.VerifySourceAddress(rcmgr.VerifySourceAddress),
		quicreuse.OverrideListenUDP(s.listenUDP))
	if err != nil {
		return nil, err
	}
	s.manager = manager
	tune(manager.ClientConfig())
	newTransport := func(conn net.PacketConn) *quic.Transport {
		return &quic.Transport{
			Conn:                conn,
			StatelessResetKey:   &key,
			TokenGeneratorKey:   &tokens,
			ConnContext:         admit,
			VerifySourceAddress: rcmgr.VerifySourceAddress,
		}
	}
	for _, conn := range s.conns {
		if err := s.lend(conn, newTransport); err != nil {
			return nil, err
		}
	}
	return manager, nil
}

// tune makes room for as many streams as a peer may have calls, and for what a call sends
// at first: the receive window of a stream grows only with round trips, and quic-go begins
// at 512 KiB. All streams of a connection together keep libp2p's limit of 15 MB.
//
// libp2p keeps every connection alive for good. Here an idle one ends after libp2p's 30 s,
// at both ends and without a packet. Those that are needed for a call, a relay or the mesh
// are pinged by their users. So a peer that was met during a search soon costs nothing.
func tune(conf *quic.Config) {
	conf.MaxIncomingStreams = limits.MaxCalls
	conf.InitialStreamReceiveWindow = 2 << 20
	conf.InitialConnectionReceiveWindow = 3 << 20
	conf.KeepAlivePeriod = 0
}

// quicIP is the IP address that libp2p must listen on for QUIC on ip: a lent socket passes
// for one that is bound to every address of its IP version.
func (s *Sockets) quicIP(ip netip.Addr) netip.Addr {
	for _, l := range s.lent {
		if l.transport.at == ip && ip.Is4() {
			return netip.IPv4Unspecified()
		}
		if l.transport.at == ip {
			return netip.IPv6Unspecified()
		}
	}
	return ip
}

// listenUDP returns the socket that is bound to an address, or opens one that libp2p wants
// besides.
func (s *Sockets) listenUDP(network string, at *net.UDPAddr) (net.PacketConn, error) {
	for _, conn := range s.conns {
		have := conn.LocalAddr().(*net.UDPAddr)
		if have.Port == at.Port && have.IP.Equal(at.IP) && !at.IP.IsUnspecified() {
			return conn, nil
		}
	}
	return s.cfg.Machine.ListenUDP(network, at)
}
