package discovery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// joinTimeout bounds one attempt to join through a peer.
	joinTimeout = 8 * time.Second
	// joinWait is how long a lookup waits for attempts to join the mesh.
	joinWait = 5 * time.Second
	// maxRejoin is how many peers of the cache are tried at once.
	maxRejoin = 8
	// rejoinWait is how long a lookup waits for peers of the cache. Many of them may be
	// gone, and one that is there has answered a dial by then.
	rejoinWait = dialRTTs * maxRTT
	// After a failure the next attempt comes after minPause, then twice that, up to
	// maxPause. A peer that accepts us and soon hangs up is overloaded, so the pause
	// starts over only after a connection that lasted longer than steadyAfter.
	minPause    = time.Second
	maxPause    = time.Minute
	steadyAfter = 5 * time.Minute
	// enoughMembers is how many members we need to do without a bootstrap peer. When it
	// hangs up because too many want to stay connected, we leave it alone for
	// refreshEvery.
	enoughMembers = 20
	// pingEvery is how often a bootstrap peer is pinged: connections, and the mappings of
	// routers, end after 30 s of silence.
	pingEvery = 20 * time.Second
)

// bootstrap joins the mesh and stays connected to its configured peers.
type bootstrap struct {
	*kad
	cache     *cache
	resolve   func(context.Context, ma.Multiaddr) ([]ma.Multiaddr, error)
	reached   func(network.Conn)
	peers     *bootstrapPeers
	rejoining atomic.Bool // rejoin is under way
}

// keep connects to the peer, and again whenever the connection is lost, until ctx ends.
func (b *bootstrap) keep(ctx context.Context, p *bootstrapPeer) {
	pause := minPause
	for {
		err := b.joinThrough(ctx, p.AddrInfo)
		b.peers.settle(p, err)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			began := time.Now()
			if !b.watch(ctx, p) {
				return
			}
			if time.Since(began) > steadyAfter {
				pause = minPause
			}
			if b.size() >= enoughMembers {
				pause = refreshEvery
			}
		} else if !p.cached {
			b.log.Warn("can't join through a bootstrap peer", "peer", p.ID, "mesh", b.name,
				"err", err)
			b.rejoin()
		}
		if !b.peers.pause(ctx, p, pause) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// joinThrough connects to a peer and adds it to the routing table. The DHT would add it
// by itself, but a round trip later.
func (b *bootstrap) joinThrough(ctx context.Context, info peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	if s, ok := b.host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(info.ID) // keep has pauses of its own
	}
	if err := b.dial(ctx, info); err != nil {
		return fmt.Errorf("does not answer: %w", Brief(err))
	}
	for _, conn := range b.host.Network().ConnsToPeer(info.ID) {
		b.reached(conn)
	}
	spoken, err := b.host.Peerstore().SupportsProtocols(info.ID, b.name.protocol())
	if err != nil || len(spoken) == 0 {
		return fmt.Errorf("is not in mesh %q, or does not serve it", b.name)
	}
	first := b.isEmpty()
	b.peers.first.Do(func() { first = true }) // the DHT may have added it already
	b.add(info.ID)
	if first {
		b.tasks.Go(b.refreshClosest)
	}
	return nil
}

// joinThroughNeighbour joins a private mesh of which we know no member through a peer
// that mDNS has found.
func (b *bootstrap) joinThroughNeighbour(ctx context.Context, info peer.AddrInfo) {
	if !b.name.isPrivate() || !b.isEmpty() {
		return
	}
	if err := b.joinThrough(ctx, info); err != nil {
		b.log.Debug("can't join through a neighbour", "peer", info.ID, "err", err)
	}
}

// watch returns true when the peer is disconnected, and false when ctx ends. A configured
// peer is pinged before the connection can end by itself, and is disconnected only if it
// is silent, since that also cuts calls and relays: even a refusal is a sign of life.
func (b *bootstrap) watch(ctx context.Context, p *bootstrapPeer) bool {
	var ticks <-chan time.Time
	if !p.cached {
		b.host.ConnManager().Protect(p.ID, "bootstrap")
		ticker := time.NewTicker(pingEvery)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for b.host.Network().Connectedness(p.ID) == network.Connected {
		select {
		case <-p.lost:
		case <-ticks:
			switch err := b.rpc().ping(ctx, p.ID); {
			case err == nil:
				b.add(p.ID) // the DHT drops members that are silent for long
			case ctx.Err() != nil:
			case isTimeout(err):
				b.log.Info("bootstrap peer is silent", "peer", p.ID, "err", Brief(err))
				b.host.Network().ClosePeer(p.ID)
			default: // it has left the mesh, or is overloaded
				b.log.Debug("bootstrap peer refuses a ping", "peer", p.ID, "err", Brief(err))
			}
		case <-ctx.Done():
			return false
		}
	}
	b.peers.disconnect(p)
	return true
}

// join waits until we know a member of the mesh, and reports whether we do.
func (b *bootstrap) join(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	if b.isEmpty() {
		b.peers.retry()
		b.rejoin()
	}
	b.peers.wait(ctx, func() bool { return !b.isEmpty() })
	return !b.isEmpty()
}

// rejoin connects to the peers that were reached last, unless we know a member or it is
// under way. It returns at once. In an outage the DHT drops all members that it knew, and
// the bootstrap peers of the start may be gone by the end of it.
func (b *bootstrap) rejoin() {
	if !b.isEmpty() || !b.rejoining.CompareAndSwap(false, true) {
		return
	}
	latest := slices.DeleteFunc(b.cache.latest(maxRejoin), func(info peer.AddrInfo) bool {
		return b.peers.isConfigured(info.ID)
	})
	b.peers.expect(len(latest))
	b.tasks.Go(func() { // after Close none starts, and nobody waits for them
		defer b.rejoining.Store(false)
		var group sync.WaitGroup
		for _, info := range latest {
			group.Go(func() { b.rejoinThrough(info) })
		}
		group.Wait()
	})
}

// rejoinThrough makes one of the attempts that rejoin has announced.
func (b *bootstrap) rejoinThrough(info peer.AddrInfo) {
	attempted := sync.OnceFunc(b.peers.attempted)
	defer attempted()
	defer time.AfterFunc(rejoinWait, attempted).Stop()
	ctx, cancel := context.WithTimeout(b.tasks.Context(), joinTimeout)
	defer cancel()
	var err error
	if b.host.Network().Connectedness(info.ID) == network.Connected { // maybe no longer
		err = b.rpc().ping(ctx, info.ID)
	}
	if err == nil {
		err = b.joinThrough(ctx, info)
	}
	if err != nil {
		b.log.Debug("can't join through a peer of the cache", "peer", info.ID, "mesh", b.name,
			"err", err)
	}
}

// noMembers says why we know no member of the mesh.
func (b *bootstrap) noMembers() error {
	return fmt.Errorf("mesh %q has no peers yet: %w", b.name, b.peers.reason())
}
