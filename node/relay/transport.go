package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	tpt "github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/peerconn"
)

// TransportConfig says how to dial through relays. All fields must be set.
type TransportConfig struct {
	Host  host.Host
	Conns *peerconn.Set
	Tasks *tasks.Group
	// Upgrader secures connections. Presuming does the same without waiting until the peer
	// has agreed to the security protocol, and fails with Disagrees if it has not.
	Upgrader, Presuming tpt.Upgrader
	Disagrees           error
}

// transport is the transport through relays. libp2p has it, but its client dials one relay
// at a time to reach a peer, and waits for a dead one as long as the whole dial may take.
// So each relay has its own client here. One more takes what comes in.
type transport struct {
	*client.Client
	cfg TransportConfig

	mu      sync.Mutex
	clients map[peer.ID]*client.Client // by the relay
}

const (
	// maxClients bounds how many relays have a client.
	maxClients = 256
	// hopWait bounds how long it may take to reach a relay, and then again how long the
	// relay may take to reach the peer.
	hopWait = 4 * time.Second
)

var (
	_ tpt.Transport    = (*transport)(nil)
	_ tpt.SkipResolver = (*transport)(nil)
)

// AddTransport lets a host dial through relays and be called through them.
func AddTransport(cfg TransportConfig) error {
	cfg.Host = hopHost{cfg.Host}
	network, ok := cfg.Host.Network().(tpt.TransportNetwork)
	if !ok {
		return fmt.Errorf("use relays: the host has no transports, but is a %T",
			cfg.Host.Network())
	}
	in, err := client.New(cfg.Host, cfg.Upgrader)
	if err != nil {
		return fmt.Errorf("use relays: %w", err)
	}
	t := &transport{Client: in, cfg: cfg, clients: map[peer.ID]*client.Client{}}
	err = network.AddTransport(t)
	if err == nil {
		err = network.Listen(ma.StringCast("/p2p-circuit"))
	}
	if err != nil {
		return fmt.Errorf("use relays: %w", err)
	}
	in.Start()
	return nil
}

// Dial dials through the relay of the address. If there is a connection to the relay, it is
// used and probed at the same time; if that one turns out to be dead, Dial tries again.
func (t *transport) Dial(ctx context.Context, addr ma.Multiaddr,
	id peer.ID) (tpt.CapableConn, error) {
	relay := maddrs.RelayOf(addr)
	through, err := t.client(relay)
	if err != nil {
		return nil, err
	}
	probing, dead := t.probe(relay)
	conn, err := through.Dial(ctx, addr, id)
	if errors.Is(err, t.cfg.Disagrees) && ctx.Err() == nil {
		conn, err = t.Client.Dial(ctx, addr, id) // which presumes nothing
	}
	if err == nil || !probing || ctx.Err() != nil {
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

// client returns the client for a relay.
func (t *transport) client(relay peer.ID) (*client.Client, error) {
	if relay == "" {
		return nil, errors.New("the address does not name a relay")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.clients[relay]; known != nil {
		return known, nil
	}
	fresh, err := client.New(t.cfg.Host, t.cfg.Presuming)
	if err != nil {
		return nil, err
	}
	if len(t.clients) >= maxClients {
		clear(t.clients) // dials under way go on
	}
	t.clients[relay] = fresh
	return fresh, nil
}

// probe probes, in the background, the direct connection to a relay, if there is one.
func (t *transport) probe(relay peer.ID) (probing bool, dead <-chan bool) {
	conn := t.cfg.Conns.Best(relay)
	if conn == nil || peerconn.Detour(conn) > 0 {
		return false, nil
	}
	result := make(chan bool, 1)
	return t.cfg.Tasks.Go(func() { result <- !t.cfg.Conns.Probe(conn) }), result
}
