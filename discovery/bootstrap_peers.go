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

// boot is a peer through which we join the mesh: one that was configured, which we hold
// on to, or one that the cache remembers, which we try at the start and when someone
// needs the mesh.
type boot struct {
	peer.AddrInfo
	cached bool
	wake   chan struct{} // holds a token when the peer should be tried now
	lost   chan struct{} // holds a token when a connection to it ended

	// guarded by boots.mu
	pausing   bool
	connected bool
	err       error // of the last attempt
}

func newBoot(info peer.AddrInfo, cached bool) *boot {
	return &boot{AddrInfo: info, cached: cached, wake: make(chan struct{}, 1),
		lost: make(chan struct{}, 1)}
}

// boots are those through whom we join the mesh, and how the attempts to do so stand.
type boots struct {
	list     []*boot
	newcomer sync.Once // done when we have met the first member of the mesh

	mu      sync.Mutex    // guards what follows, and the state of each boot
	pending int           // attempts to join the mesh that have not come to an end
	changed chan struct{} // closed and replaced when pending falls
}

// newBoots counts the first attempts as pending before Run begins them, so that a lookup
// that comes earlier waits; and as one more, if there is to be one, the first look at the
// local network.
func newBoots(configured, cached []peer.AddrInfo, look bool) *boots {
	all := &boots{changed: make(chan struct{})}
	for _, info := range configured {
		all.list = append(all.list, newBoot(info, false))
	}
	for _, info := range cached {
		if !slices.ContainsFunc(configured, func(c peer.AddrInfo) bool { return c.ID == info.ID }) {
			all.list = append(all.list, newBoot(info, true))
		}
	}
	all.pending = len(all.list)
	if look {
		all.pending++
	}
	return all
}

// settle notes how an attempt ended, and tells those who wait for it.
func (all *boots) settle(b *boot, err error) {
	all.mu.Lock()
	b.connected, b.err = err == nil, err
	all.mu.Unlock()
	all.attempted()
}

// lost notes that a peer is not connected any more.
func (all *boots) lost(b *boot) {
	all.mu.Lock()
	defer all.mu.Unlock()
	b.connected = false
}

// tries says whether a peer was configured, so that it is tried again and again in any case.
func (all *boots) tries(id peer.ID) bool {
	return slices.ContainsFunc(all.list, func(b *boot) bool { return b.ID == id && !b.cached })
}

// expect counts attempts to join the mesh that are about to begin, through others than these.
func (all *boots) expect(attempts int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.pending += attempts
}

// attempted counts an attempt to join the mesh that has come to an end.
func (all *boots) attempted() {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.pending--
	close(all.changed)
	all.changed = make(chan struct{})
}

// disconnected is called by the host.
func (all *boots) disconnected(_ network.Network, conn network.Conn) {
	for _, b := range all.list {
		if b.ID == conn.RemotePeer() {
			signal(b.lost)
		}
	}
}

// rest waits for the pause, or until someone needs the peer; for one from the cache
// nothing else counts.
func (all *boots) rest(ctx context.Context, b *boot, pause time.Duration) bool {
	all.mu.Lock()
	b.pausing = true
	all.mu.Unlock()
	var over <-chan time.Time
	if !b.cached {
		over = time.After(pause/2 + rand.N(pause)) // so that a mesh does not come back all at once
	}
	select {
	case <-ctx.Done():
		return false
	case <-b.wake:
	case <-over:
		all.mu.Lock()
		defer all.mu.Unlock()
		all.wakeLocked(b)
		select { // the pause is over by itself
		case <-b.wake:
		default:
		}
	}
	return true
}

// wakeLocked ends a pause and counts the attempt that follows.
func (all *boots) wakeLocked(b *boot) {
	if b.pausing {
		b.pausing = false
		all.pending++
		signal(b.wake)
	}
}

// wake ends all pauses.
func (all *boots) wake() {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, b := range all.list {
		all.wakeLocked(b)
	}
}

// try begins new attempts, unless some are under way.
func (all *boots) try() {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.pending == 0 {
		for _, b := range all.list {
			all.wakeLocked(b)
		}
	}
}

// wait returns when we know a member of the mesh, or there is no more hope, since no
// attempt is under way, or ctx ends.
func (all *boots) wait(ctx context.Context, known func() bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for !known() && all.pending > 0 && ctx.Err() == nil {
		changed := all.changed
		all.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		all.mu.Lock()
	}
}

// why says why the mesh has not been joined, behind its name.
func (all *boots) why() error {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, b := range all.list {
		if !b.cached && b.err != nil {
			return fmt.Errorf("bootstrap %s %w", b.ID, b.err)
		}
	}
	if all.pending > 0 {
		return errors.New("no bootstrap peer has answered so far")
	}
	return errors.New("name one with --bootstrap")
}

// states are those of the boots that were configured.
func (all *boots) states() []PeerState {
	states := []PeerState{}
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, b := range all.list {
		if b.cached {
			continue
		}
		state := PeerState{ID: b.ID.String(), Connected: b.connected}
		for _, addr := range b.Addrs {
			state.Addrs = append(state.Addrs, addr.String())
		}
		if b.err != nil {
			state.Error = b.err.Error()
		}
		states = append(states, state)
	}
	return states
}
