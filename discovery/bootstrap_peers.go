package discovery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// bootstrapPeer is a peer through which we join the mesh: a configured one, to which we
// stay connected, or one of the cache, which we try at the start and when a lookup needs
// the mesh.
type bootstrapPeer struct {
	peer.AddrInfo
	cached bool
	wake   chan struct{} // holds a token when the pause is to end
	lost   chan struct{} // holds a token when a connection has ended

	// guarded by bootstrapPeers.mu
	pausing   bool
	connected bool
	err       error // of the last attempt
}

// bootstrapPeers are all of them, and how many attempts to join the mesh are under way.
type bootstrapPeers struct {
	list  []*bootstrapPeer
	first sync.Once // done when the first member was reached

	mu      sync.Mutex    // guards what follows, and the state of each peer
	pending int           // attempts under way
	changed chan struct{} // closed and replaced when pending falls
}

// newBootstrapPeers counts the first attempts as pending before run makes them, so that an
// earlier lookup waits for them. If browse is set, it also counts the first search of the
// local network.
func newBootstrapPeers(configured, cached []peer.AddrInfo, browse bool) *bootstrapPeers {
	all := &bootstrapPeers{changed: make(chan struct{})}
	add := func(info peer.AddrInfo, cached bool) {
		all.list = append(all.list, &bootstrapPeer{AddrInfo: info, cached: cached,
			wake: make(chan struct{}, 1), lost: make(chan struct{}, 1)})
	}
	for _, info := range configured {
		add(info, false)
	}
	for _, info := range cached {
		if !all.isConfigured(info.ID) {
			add(info, true)
		}
	}
	all.pending = len(all.list)
	if browse {
		all.pending++
	}
	return all
}

// isConfigured reports whether keep tries the peer again and again.
func (all *bootstrapPeers) isConfigured(id peer.ID) bool {
	return slices.ContainsFunc(all.list, func(p *bootstrapPeer) bool {
		return p.ID == id && !p.cached
	})
}

// settle notes how an attempt ended.
func (all *bootstrapPeers) settle(p *bootstrapPeer, err error) {
	all.mu.Lock()
	p.connected, p.err = err == nil, err
	all.mu.Unlock()
	all.attempted()
}

// disconnect notes that a peer is no longer connected.
func (all *bootstrapPeers) disconnect(p *bootstrapPeer) {
	all.mu.Lock()
	defer all.mu.Unlock()
	p.connected = false
}

// expect counts attempts through other peers that are about to start.
func (all *bootstrapPeers) expect(attempts int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.pending += attempts
}

// attempted counts an attempt that has ended.
func (all *bootstrapPeers) attempted() {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.pending--
	close(all.changed)
	all.changed = make(chan struct{})
}

// disconnected is called by the host.
func (all *bootstrapPeers) disconnected(_ network.Network, conn network.Conn) {
	for _, p := range all.list {
		if p.ID == conn.RemotePeer() {
			signal(p.lost)
		}
	}
}

// pause waits about as long as given, or until the peer is needed; for one of the cache
// only the latter ends it. It returns false if ctx has ended.
func (all *bootstrapPeers) pause(ctx context.Context, p *bootstrapPeer, pause time.Duration) bool {
	all.mu.Lock()
	p.pausing = true
	all.mu.Unlock()
	var over <-chan time.Time
	if !p.cached {
		// random, so that the members of a mesh do not all come back at the same moment
		over = time.After(pause/2 + rand.N(pause))
	}
	select {
	case <-ctx.Done():
		return false
	case <-p.wake:
	case <-over:
		all.mu.Lock()
		defer all.mu.Unlock()
		all.wake(p)
		select { // nobody waits for this token
		case <-p.wake:
		default:
		}
	}
	return true
}

// wake ends a pause and counts the attempt that follows; all.mu is held.
func (all *bootstrapPeers) wake(p *bootstrapPeer) {
	if p.pausing {
		p.pausing = false
		all.pending++
		signal(p.wake)
	}
}

// wakeAll ends all pauses.
func (all *bootstrapPeers) wakeAll() {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, p := range all.list {
		all.wake(p)
	}
}

// retry ends all pauses unless attempts are under way.
func (all *bootstrapPeers) retry() {
	all.mu.Lock()
	busy := all.pending > 0
	all.mu.Unlock()
	if !busy {
		all.wakeAll()
	}
}

// wait returns when joined does, when no attempt is under way, or when ctx ends.
func (all *bootstrapPeers) wait(ctx context.Context, joined func() bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for !joined() && all.pending > 0 && ctx.Err() == nil {
		changed := all.changed
		all.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		all.mu.Lock()
	}
}

// reason says why the mesh is not joined.
func (all *bootstrapPeers) reason() error {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, p := range all.list {
		if !p.cached && p.err != nil {
			return fmt.Errorf("bootstrap %s %w", p.ID, p.err)
		}
	}
	if all.pending > 0 {
		return errors.New("no bootstrap peer has answered so far")
	}
	return errors.New("name one with --bootstrap")
}

// states returns those of the configured peers.
func (all *bootstrapPeers) states() []PeerState {
	states := []PeerState{}
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, p := range all.list {
		if p.cached {
			continue
		}
		state := PeerState{ID: p.ID.String(), Connected: p.connected}
		for _, addr := range p.Addrs {
			state.Addrs = append(state.Addrs, addr.String())
		}
		if p.err != nil {
			state.Error = p.err.Error()
		}
		states = append(states, state)
	}
	return states
}
