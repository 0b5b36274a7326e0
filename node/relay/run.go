package relay

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/node/peerconn"
)

// Config says how a Keeper finds relays. All fields must be set.
type Config struct {
	Host  host.Host
	Conns *peerconn.Set
	Tasks *tasks.Group
	// PrivateMesh says that any address is as good as a public one.
	PrivateMesh bool
	// Friends are asked before others. Servers are other peers who may relay.
	Friends, Servers func() []peer.ID
	// Remembered returns the addresses at which a peer was reached before.
	Remembered func(peer.ID) []ma.Multiaddr
	// Observe asks the other end of a connection where it sees us, as nat.Mirror.Ask does.
	Observe func(context.Context, network.Conn) (netip.AddrPort, error)
	// Roam is called in a goroutine of Tasks when relays see us at a new address.
	Roam func()
	// Lent is told our addresses at relays whenever they change, before libp2p is.
	Lent func([]ma.Multiaddr)
	Log  *slog.Logger
}

// Keeper keeps reservations at relays: peers that let others through to us. Its methods may
// be called at any time, from any goroutine.
type Keeper struct {
	cfg     Config
	emitter event.Emitter
	wanted  atomic.Bool
	wake    chan struct{} // holds a token when wanted has changed
	moved   chan struct{} // holds a token when this machine may be in another network
	told    atomic.Pointer[told]
}

// told is what the host was told last.
type told struct {
	relays []peer.ID
	addrs  []ma.Multiaddr
}

// NewKeeper returns a Keeper that wants no relays yet.
func NewKeeper(cfg Config) (*Keeper, error) {
	emitter, err := cfg.Host.EventBus().Emitter(new(event.EvtAutoRelayAddrsUpdated),
		eventbus.Stateful)
	if err != nil {
		return nil, fmt.Errorf("look for relays: %w", err)
	}
	k := &Keeper{cfg: cfg, emitter: emitter, wake: make(chan struct{}, 1),
		moved: make(chan struct{}, 1)}
	k.told.Store(&told{})
	return k, nil
}

// Close is called after Run has returned.
func (k *Keeper) Close() { k.emitter.Close() }

// Want says whether relays are wanted.
func (k *Keeper) Want(relays bool) {
	if k.wanted.Swap(relays) != relays {
		signal(k.wake)
	}
}

// Moved says that this machine may be in another network: all peers get a new chance.
func (k *Keeper) Moved() { signal(k.moved) }

// Relays returns the relays that let others through to us.
func (k *Keeper) Relays() []peer.ID { return k.told.Load().relays }

// Run keeps reservations until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	// any of these may bring a candidate, or take a relay away
	seen, err := k.cfg.Host.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted),
		new(event.EvtPeerProtocolsUpdated),
		new(event.EvtPeerConnectednessChanged),
	}, eventbus.BufSize(256))
	if err != nil {
		return fmt.Errorf("look for relays: %w", err)
	}
	defer seen.Close()
	for s := newState(k); ; {
		again := time.NewTimer(s.step(ctx, k.wanted.Load()))
		select {
		case <-seen.Out():
		case result := <-s.results:
			s.settle(result)
		case v := <-s.views:
			s.take(v)
		case <-k.wake:
		case <-k.moved:
			s.forgive()
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil
		}
		again.Stop()
	}
}

// tell tells the host what has changed.
func (k *Keeper) tell(held map[peer.ID]*reservation) {
	now := &told{}
	for id, r := range held {
		now.relays, now.addrs = append(now.relays, id), append(now.addrs, r.addrs...)
	}
	slices.Sort(now.relays)
	slices.SortFunc(now.addrs, ma.Multiaddr.Compare)
	was := k.told.Swap(now)
	if slices.EqualFunc(was.addrs, now.addrs, ma.Multiaddr.Equal) {
		return
	}
	k.cfg.Lent(now.addrs)
	k.emitter.Emit(event.EvtAutoRelayAddrsUpdated{RelayAddrs: now.addrs})
}

// signal puts a token into c unless there is one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
