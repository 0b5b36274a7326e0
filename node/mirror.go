package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"
	"github.com/quic-go/quic-go"

	"github.com/cell-mesh/cell/node/maddrs"
)

// mirrorProtocol tells those who connect to us at which address we see them now: a line
// for each line. libp2p tells them once, when a connection begins; but QUIC connections
// outlive a router's change of address, of which nobody else would tell the machines
// behind it. One looks twice, since the first packet from a new address is answered
// before QUIC believes in it.
const mirrorProtocol protocol.ID = "/cell/mirror/1.0.0"

const (
	// looks is how often one looks, maxMirrored how long a line may be, and mirrorWait
	// how long it may take in all.
	looks       = 2
	maxMirrored = 64
	mirrorWait  = 2 * time.Second
)

// mirror answers such questions.
func (n *Node) mirror(s network.Stream) {
	if !n.tasks.Begin() {
		s.Reset()
		return
	}
	defer n.tasks.Done()
	defer s.Close()
	s.SetDeadline(time.Now().Add(mirrorWait))
	for range looks {
		if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
			return
		}
		seen, _ := seenAt(s.Conn())
		if _, err := fmt.Fprintln(s, seen); err != nil {
			return
		}
	}
}

// seenAt is where the other end of a connection is now.
func seenAt(conn network.Conn) (netip.AddrPort, bool) {
	var q *quic.Conn
	if conn.As(&q) {
		seen, err := netip.ParseAddrPort(q.RemoteAddr().String())
		return netip.AddrPortFrom(seen.Addr().Unmap(), seen.Port()), err == nil
	}
	ip, port, _ := maddrs.Parts(conn.RemoteMultiaddr())
	return netip.AddrPortFrom(ip, port), ip.IsValid()
}

// look asks the other end of a connection where it sees us. An answer is a sign of life,
// and so is the refusal of those who do not know the question, or any packet from one
// that is too busy to answer in time: then there is no address, and no error. An error
// means silence, unless ctx has ended.
func (n *Node) look(ctx context.Context, conn network.Conn) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "mirror"), mirrorWait)
	defer cancel()
	heard := received(conn)
	s, err := conn.NewStream(ctx)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("look: %w", err)
	}
	defer s.Reset()
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	if err := s.SetProtocol(mirrorProtocol); err != nil {
		return netip.AddrPort{}, nil // we are too busy to know
	}
	seen, err := ask(s)
	switch {
	case err == nil:
		n.conns.Of(conn).Hear()
	case received(conn) > heard && !conn.IsClosed():
		return netip.AddrPort{}, nil
	}
	return seen, err
}

// received is how many packets have come over a QUIC connection.
func received(conn network.Conn) uint64 {
	var q *quic.Conn
	if !conn.As(&q) {
		return 0
	}
	return q.ConnectionStats().PacketsReceived
}

// lookFrom asks a peer at an address of its, over a connection just for this. The swarm,
// which has one to the peer already, is not involved.
func (n *Node) lookFrom(ctx context.Context, id peer.ID, at ma.Multiaddr) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, mirrorWait)
	defer cancel()
	dialer := n.swarm.TransportForDialing(at)
	if dialer == nil {
		return netip.AddrPort{}, errors.New("look: no transport")
	}
	conn, err := dialer.Dial(ctx, at, id)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("look: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	s, err := conn.OpenStream(ctx)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("look: %w", err)
	}
	return ask(s)
}

// ask looks into the mirror at the other end of a stream.
func ask(s io.ReadWriteCloser) (seen netip.AddrPort, err error) {
	asking := multistream.NewMSSelect(s, mirrorProtocol)
	lines := bufio.NewReader(io.LimitReader(asking, looks*maxMirrored))
	for range looks {
		line := ""
		if _, err = io.WriteString(asking, "\n"); err == nil {
			line, err = lines.ReadString('\n')
		}
		var unknown multistream.ErrNotSupported[protocol.ID]
		if errors.As(err, &unknown) {
			break
		}
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("look: %w", err)
		}
		seen, _ = netip.ParseAddrPort(strings.TrimSpace(line)) // what makes no sense is no address
	}
	return seen, nil
}
