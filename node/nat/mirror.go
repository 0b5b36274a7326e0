package nat

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	tpt "github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"
	"github.com/quic-go/quic-go"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/peerconn"
)

// MirrorProtocol tells those who connect to us at which address we see them now: one line
// for each line. libp2p tells them once, when a connection begins. But QUIC connections
// survive a change of the router's address, and nobody else would tell the machines behind
// the router. One asks twice, since the first packet from a new address is answered before
// QUIC believes in that address.
const MirrorProtocol protocol.ID = "/cell/mirror/1.0.0"

const (
	asks      = 2  // how often one asks on a stream
	maxAnswer = 64 // length of a line
	// mirrorWait bounds all questions on a stream together.
	mirrorWait = 2 * time.Second
)

// Mirror speaks MirrorProtocol.
type Mirror struct {
	host  host.Host
	conns *peerconn.Set
	tasks *tasks.Group
}

// NewMirror returns a Mirror that asks over the connections of a host.
func NewMirror(h host.Host, conns *peerconn.Set, group *tasks.Group) *Mirror {
	return &Mirror{h, conns, group}
}

// Serve answers peers who ask from now on.
func (m *Mirror) Serve() { m.host.SetStreamHandler(MirrorProtocol, m.serve) }

func (m *Mirror) serve(s network.Stream) {
	if !m.tasks.Begin() {
		s.Reset()
		return
	}
	defer m.tasks.Done()
	defer s.Close()
	s.SetDeadline(time.Now().Add(mirrorWait))
	for range asks {
		if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
			return
		}
		seen, _ := seenAt(s.Conn())
		if _, err := fmt.Fprintln(s, seen); err != nil {
			return
		}
	}
}

// seenAt returns the present address of the other end of a connection.
func seenAt(conn network.Conn) (netip.AddrPort, bool) {
	var q *quic.Conn
	if conn.As(&q) {
		seen, err := netip.ParseAddrPort(q.RemoteAddr().String())
		return netip.AddrPortFrom(seen.Addr().Unmap(), seen.Port()), err == nil
	}
	ip, port, _ := maddrs.Parts(conn.RemoteMultiaddr())
	return netip.AddrPortFrom(ip, port), ip.IsValid()
}

// Ask asks the other end of a connection where it sees us. The address is invalid, without
// an error, if the peer is alive but does not know: it refuses the protocol, or is too busy
// to answer in time while its packets come. An error means silence, unless ctx has ended.
func (m *Mirror) Ask(ctx context.Context, conn network.Conn) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "mirror"), mirrorWait)
	defer cancel()
	received := packets(conn)
	s, err := conn.NewStream(ctx)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("ask for our address: %w", err)
	}
	defer s.Reset()
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	if err := s.SetProtocol(MirrorProtocol); err != nil {
		return netip.AddrPort{}, nil // we are too busy to know
	}
	seen, err := ask(s)
	switch {
	case err == nil:
		m.conns.Of(conn).Hear()
	case packets(conn) > received && !conn.IsClosed():
		return netip.AddrPort{}, nil
	}
	return seen, err
}

// packets returns how many packets have come over a QUIC connection.
func packets(conn network.Conn) uint64 {
	var q *quic.Conn
	if !conn.As(&q) {
		return 0
	}
	return q.ConnectionStats().PacketsReceived
}

// AskAt asks a peer at one of its addresses, over a connection just for this. The swarm,
// which already has a connection to the peer, is not involved.
func (m *Mirror) AskAt(ctx context.Context, id peer.ID, at ma.Multiaddr) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, mirrorWait)
	defer cancel()
	var dialer tpt.Transport
	if swarm, ok := m.host.Network().(*swarm.Swarm); ok {
		dialer = swarm.TransportForDialing(at)
	}
	if dialer == nil {
		return netip.AddrPort{}, errors.New("ask for our address: no transport")
	}
	conn, err := dialer.Dial(ctx, at, id)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("ask for our address: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	s, err := conn.OpenStream(ctx)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("ask for our address: %w", err)
	}
	return ask(s)
}

// ask asks on a stream.
func ask(s io.ReadWriteCloser) (seen netip.AddrPort, err error) {
	asking := multistream.NewMSSelect(s, MirrorProtocol)
	lines := bufio.NewReader(io.LimitReader(asking, asks*maxAnswer))
	for range asks {
		line := ""
		if _, err = io.WriteString(asking, "\n"); err == nil {
			line, err = lines.ReadString('\n')
		}
		if _, unknown := errors.AsType[multistream.ErrNotSupported[protocol.ID]](err); unknown {
			break
		}
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("ask for our address: %w", err)
		}
		seen, _ = netip.ParseAddrPort(strings.TrimSpace(line)) // invalid if it makes no sense
	}
	return seen, nil
}
