package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
)

const (
	// openWait bounds an Open whose ctx has no earlier deadline.
	openWait = 15 * time.Second
	// proveWait is how long a connection that nobody watched may take to prove that it is alive.
	proveWait = 3 * time.Second
)

// Open finds the peer, connects to it if need be, and begins a call. to is a peer's ID, or a multiaddr
// that ends in one. ctx covers finding and connecting, not the stream. The error names what was tried.
func (n *Node) Open(ctx context.Context, to address.Peer) (pipe.Stream, error) {
	target, err := decode(to)
	if err == nil && target.ID == n.host.ID() {
		err = errors.New("is this machine itself")
	}
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", to, err)
	}
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	stop := context.AfterFunc(n.life, cancel)
	defer stop()

	n.host.Peerstore().AddAddrs(target.ID, target.Addrs, peerstore.TempAddrTTL)
	s, err := n.open(ctx, target.ID)
	if errors.Is(err, errDied) {
		s, err = n.open(ctx, target.ID) // on a fresh connection
	}
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", to, err)
	}
	return s, nil
}

// decode makes a libp2p peer of a checked one, with the addresses that were given along.
func decode(to address.Peer) (peer.AddrInfo, error) {
	if id, ok := to.ID(); ok {
		decoded, err := peer.Decode(id.String())
		return peer.AddrInfo{ID: decoded}, err
	}
	if place, ok := to.Place(); ok {
		at, err := ma.NewMultiaddr(place.String())
		if err == nil {
			if info, err := peer.AddrInfoFromP2pAddr(at); err == nil {
				return *info, nil
			}
		}
		if place.IsMultiaddr() && err != nil {
			return peer.AddrInfo{}, err
		}
		return peer.AddrInfo{}, errors.New("a place alone does not say which peer: append /p2p/ID to its multiaddr")
	}
	if name, ok := to.Petname(); ok {
		return peer.AddrInfo{}, fmt.Errorf("%s is a petname, and only its owner knows whose", name)
	}
	return peer.AddrInfo{}, errors.New("is this machine itself")
}

// errDied says that a connection we already had turned out to be dead.
var errDied = errors.New("connection is dead")

func (n *Node) open(ctx context.Context, id peer.ID) (*stream, error) {
	ctx = network.WithAllowLimitedConn(ctx, "call")
	conn, fresh, err := n.connect(ctx, id)
	if err != nil {
		return nil, err
	}
	l := n.linkOf(conn)
	if fresh {
		l.hear()
	}
	raw, err := conn.NewStream(ctx)
	if err != nil {
		if conn.IsClosed() && ctx.Err() == nil {
			return nil, fmt.Errorf("%w: %w", errDied, err)
		}
		return nil, fmt.Errorf("open stream: %w", err)
	}
	if err := raw.SetProtocol(Protocol); err != nil {
		raw.Reset()
		return nil, fmt.Errorf("open stream: %w", err)
	}
	s := newStream(raw, l, true)
	// The negotiation rides along with the first bytes, which saves a round trip, at the risk that the
	// connection has died since it was last used. Where that was not lately, the round trip is paid.
	if !l.heardLately() {
		if err := s.prove(ctx); err != nil {
			s.Abort(err)
			return nil, err
		}
	}
	return s, nil
}

// prove waits for the negotiation. A connection that does not answer is closed, so that the next try makes another.
func (s *stream) prove(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, proveWait)
	defer cancel()
	stop := context.AfterFunc(limit, func() { s.raw.Reset() })
	err := s.handshake() // nobody else has the stream yet
	if stop() && err == nil {
		s.on.hear()
		return nil
	}
	conn := s.raw.Conn()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("open stream: %w", ctx.Err())
	case limit.Err() != nil:
		conn.Close()
		return fmt.Errorf("%w: no answer in %v", errDied, proveWait)
	case conn.IsClosed():
		return fmt.Errorf("%w: %w", errDied, err)
	}
	return cut("open stream", err)
}
