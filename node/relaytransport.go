package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	tpt "github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"

	"github.com/cell-mesh/cell/node/peerconn"
)

// relayTransport is the transport that goes through relays. libp2p has it, but its own
// way to a peer dials one relay at a time, and waits for one that is dead for as long as
// the whole dial may take. So here each relay has a client to itself; the first of them
// takes what comes in, too.
type relayTransport struct {
	*client.Client
	node     *Node
	upgrader tpt.Upgrader

	mu    sync.Mutex
	peers map[peer.ID]*client.Client // by the relay
}

// maxCircuitPeers bounds how many relays are remembered.
const maxCircuitPeers = 256

var (
	_ tpt.Transport    = (*relayTransport)(nil)
	_ tpt.SkipResolver = (*relayTransport)(nil)
)

// setCircuitTimes bounds what libp2p does with no regard to the context of a dial. They
// are its variables, for all nodes.
var setCircuitTimes = sync.OnceFunc(func() {
	client.DialRelayTimeout, client.DialTimeout = circuitWait, circuitWait
})

// circuitWait bounds how long a relay may take to be reached, and then to reach the other end.
const circuitWait = 4 * time.Second

// addRelayTransport has the node dial through relays, and be called by them.
func (n *Node) addRelayTransport(upgrader tpt.Upgrader) error {
	setCircuitTimes()
	in, err := client.New(n.host, upgrader)
	if err != nil {
		return fmt.Errorf("use relays: %w", err)
	}
	t := &relayTransport{Client: in, node: n, upgrader: upgrader,
		peers: map[peer.ID]*client.Client{}}
	err = n.swarm.AddTransport(t)
	if err == nil {
		err = n.swarm.Listen(ma.StringCast("/p2p-circuit"))
	}
	if err != nil {
		return fmt.Errorf("use relays: %w", err)
	}
	in.Start()
	return nil
}

// Dial goes through the relay of the address. A connection to the relay that we have is
// used, and doubted at the same time: if it is dead, there is another one.
func (t *relayTransport) Dial(ctx context.Context, addr ma.Multiaddr,
	id peer.ID) (tpt.CapableConn, error) {
	relay := maddrs.RelayOf(addr)
	through, err := t.through(relay)
	if err != nil {
		return nil, err
	}
	doubted, dead := t.node.doubtRelay(relay)
	conn, err := through.Dial(ctx, addr, id)
	if errors.Is(err, errDisagrees) && ctx.Err() == nil {
		conn, err = t.Client.Dial(ctx, addr, id) // which presumes nothing
	}
	if err == nil || !doubted || ctx.Err() != nil {
		return conn, err
	}
	select {
	case isDead := <-dead:
		if isDead {
			return through.Dial(ctx, addr, id)
		}
	case <-ctx.Done():
	}
	return nil, err
}

// through returns the client for a relay.
func (t *relayTransport) through(relay peer.ID) (*client.Client, error) {
	if relay == "" {
		return nil, errors.New("names no relay")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.peers[relay]; known != nil {
		return known, nil
	}
	fresh, err := client.New(t.node.host, presuming{t.upgrader})
	if err != nil {
		return nil, err
	}
	if len(t.peers) >= maxCircuitPeers {
		clear(t.peers) // those under way go on
	}
	t.peers[relay] = fresh
	return fresh, nil
}

// doubtRelay looks, meanwhile, whether the connection to a relay still lives, if there is one.
func (n *Node) doubtRelay(relay peer.ID) (doubted bool, dead <-chan bool) {
	conn := n.conns.Best(relay)
	if conn == nil || peerconn.Detour(conn) > 0 {
		return false, nil
	}
	result := make(chan bool, 1)
	if !n.tasks.Go(func() { result <- !n.conns.Probe(conn) }) {
		return false, nil
	}
	return true, result
}
