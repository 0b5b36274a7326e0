package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/discovery"
)

const (
	// seekWait bounds finding and connecting; a little less than Open, so that it can say what failed.
	seekWait = 14 * time.Second
	dialWait = 8 * time.Second
)

// flight is the one search for a peer that all who want it at this time share. It ends with the last of them.
type flight struct {
	waiting int
	cancel  context.CancelFunc
	done    chan struct{} // closed when conn and err are set
	conn    network.Conn
	err     error
}

// connect returns a connection to the peer, and whether it was made just now.
func (n *Node) connect(ctx context.Context, id peer.ID) (conn network.Conn, fresh bool, err error) {
	if conn := n.connection(id); conn != nil {
		return conn, false, nil
	}
	f, err := n.join(id)
	if err != nil {
		return nil, false, err
	}
	defer n.leave(id, f)
	select {
	case <-f.done:
		return f.conn, true, f.err
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// connection returns the best connection there is: one that no relay limits, if possible.
func (n *Node) connection(id peer.ID) network.Conn {
	var best network.Conn
	for _, conn := range n.host.Network().ConnsToPeer(id) {
		if !conn.IsClosed() && (best == nil || best.Stat().Limited) {
			best = conn
		}
	}
	return best
}

func (n *Node) join(id peer.ID) (*flight, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, errClosed
	}
	f := n.flights[id]
	if f == nil {
		ctx, cancel := context.WithTimeout(n.life, seekWait)
		f = &flight{cancel: cancel, done: make(chan struct{})}
		n.flights[id] = f
		n.group.Go(func() {
			defer cancel()
			f.conn, f.err = n.seek(ctx, id)
			n.land(id, f)
			close(f.done)
		})
	}
	f.waiting++
	return f, nil
}

func (n *Node) leave(id peer.ID, f *flight) {
	n.mu.Lock()
	f.waiting--
	last := f.waiting == 0
	n.mu.Unlock()
	if last {
		n.land(id, f)
		f.cancel()
	}
}

// land takes the flight off the list, so that nobody boards one that is over.
func (n *Node) land(id peer.ID, f *flight) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.flights[id] == f {
		delete(n.flights, id)
	}
}

// seek dials the addresses at hand and, as they come in, those that discovery finds, until a connection stands
// or nobody knows any more.
func (n *Node) seek(ctx context.Context, id peer.ID) (network.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s, ok := n.host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(id) // someone asks now: what failed a while ago is no reason to wait
	}
	var (
		work    sync.WaitGroup
		mu      sync.Mutex
		conn    network.Conn
		findErr error
		dialErr error
	)
	dial := func() {
		c, err := n.host.Network().DialPeer(network.WithDialPeerTimeout(ctx, dialWait), id)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && conn == nil {
			conn = c
			cancel()
		} else if err != nil && ctx.Err() == nil {
			dialErr = err
		}
	}
	if len(n.host.Peerstore().Addrs(id)) > 0 {
		work.Go(dial)
	}
	work.Go(func() {
		findErr = n.finder.Find(ctx, id, func(addrs []ma.Multiaddr) {
			n.host.Peerstore().AddAddrs(id, addrs, peerstore.TempAddrTTL)
			work.Go(dial) // joins a dial that is under way, and brings it the new addresses
		})
	})
	work.Wait()

	switch {
	case conn != nil:
		n.finder.Worked(conn)
		return conn, nil
	case dialErr != nil:
		return nil, fmt.Errorf("does not answer: %w", discovery.Brief(dialErr))
	case ctx.Err() != nil:
		return nil, fmt.Errorf("found no way to it in %v", seekWait)
	default:
		return nil, findErr
	}
}
