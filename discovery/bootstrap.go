package discovery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

const (
	// meetWait bounds one attempt to reach a bootstrap peer.
	meetWait = 8 * time.Second
	// joinWait is how long a lookup waits for attempts to join the mesh.
	joinWait = 5 * time.Second
	// rejoinWait is how long it waits for those who were reached before: who is there has
	// taken a call by then, and many may be gone.
	rejoinWait = goneTrips * maxTrip
	// After a failure the next attempt comes after minPause, then twice that, up to
	// maxPause. Who lets us in and soon hangs up has more to do than it can; with one
	// that was there for longer than steady, one begins anew.
	minPause = time.Second
	maxPause = time.Minute
	steady   = 5 * time.Minute
	// enough is how many members one knows who can do without a bootstrap peer. It leaves
	// us when more want to stay in touch with it than it can, and is left alone for
	// lookEvery or so.
	enough = 20
	// signEvery is how often a bootstrap peer is asked for a sign of life: a connection
	// ends after 30 s of silence, and so does a router's memory of it.
	signEvery = 20 * time.Second
)

// keep connects to the peer, and again whenever the connection is lost, until ctx ends.
func (f *Finder) keep(ctx context.Context, b *boot) {
	pause := minPause
	for {
		err := f.meet(ctx, b.AddrInfo)
		f.boots.settle(b, err)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			met := time.Now()
			if !f.hold(ctx, b) {
				return
			}
			if time.Since(met) > steady {
				pause = minPause
			}
			if f.dht.RoutingTable().Size() >= enough {
				pause = lookEvery
			}
		} else if !b.cached {
			f.log.Warn("can't join through a bootstrap peer", "peer", b.ID, "mesh", f.mesh.name,
				"err", err)
			f.rejoin()
		}
		if !f.boots.rest(ctx, b, pause) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// meet connects to a peer and adds it to the DHT's routing table. The DHT would do the
// latter by itself, a round trip later.
func (f *Finder) meet(ctx context.Context, info peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, meetWait)
	defer cancel()
	if s, ok := f.host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(info.ID) // when to try again is for us to say
	}
	if err := f.connect(ctx, info); err != nil {
		return fmt.Errorf("does not answer: %w", Brief(err))
	}
	for _, conn := range f.host.Network().ConnsToPeer(info.ID) {
		f.Worked(conn)
	}
	speaks, err := f.host.Peerstore().SupportsProtocols(info.ID, f.mesh.protocol())
	if err != nil || len(speaks) == 0 {
		return fmt.Errorf("is not in mesh %q, or does not serve it", f.mesh.name)
	}
	fresh := f.dht.RoutingTable().Size() == 0
	f.boots.newcomer.Do(func() { fresh = true }) // the DHT may have been faster
	f.dht.RoutingTable().TryAddPeer(info.ID, true, false)
	if fresh {
		f.tasks.Go(f.lookAround)
	}
	return nil
}

const (
	// lookWait bounds how long a newcomer looks for its neighbours in the mesh.
	lookWait = 30 * time.Second
	// lookEvery is how often it does so again, and tableEvery how many times until the
	// whole routing table is looked after.
	lookEvery  = 10 * time.Minute
	tableEvery = 6
)

// refresh meets our neighbours in the mesh from time to time, so that they can tell where
// we are, and now and then somebody at every other distance.
func (f *Finder) refresh(ctx context.Context) {
	for n := 1; ; n++ {
		select {
		case <-time.After(lookEvery - rand.N(lookEvery/8)): // so that a mesh does not do it all at once
		case <-ctx.Done():
			return
		}
		switch {
		case n%tableEvery == 0:
			f.dht.RefreshRoutingTable()
		case f.mesh.isPrivate() && f.toldIn(lookEvery): // by handing out our record we have met those who keep it
		default:
			f.lookAround()
		}
	}
}

// lookAround meets our neighbours.
func (f *Finder) lookAround() {
	ctx, cancel := context.WithTimeout(f.tasks.Context(), lookWait)
	defer cancel()
	if _, err := f.neighbours(network.WithAllowLimitedConn(ctx, "join")); err != nil {
		f.log.Debug("neighbours in the mesh are not found", "mesh", f.mesh.name, "err", err)
	}
}

// neighbours finds those whose IDs are closest to ours, who are asked about us, and on
// the way there some of all others. Filling the routing table to the brim instead takes a
// connection to each of some hundred members, and nobody is found more surely for it:
// what is missing comes with time.
func (f *Finder) neighbours(ctx context.Context) ([]peer.ID, error) {
	return f.dht.GetClosestPeers(ctx, recordKey(f.host.ID()))
}

// isAlone says whether this is a private mesh of which we know nobody.
func (f *Finder) isAlone() bool {
	return f.mesh.isPrivate() && f.dht.RoutingTable().Size() == 0
}

// hold waits until the peer is no longer connected, or ctx ends. One that was named is
// kept: it is asked for a sign of life before the connection to it ends by itself, and
// left if there is none: calls and relays end with that, so a refusal is sign enough.
func (f *Finder) hold(ctx context.Context, b *boot) bool {
	var next <-chan time.Time
	if !b.cached {
		f.host.ConnManager().Protect(b.ID, "bootstrap")
		ticks := time.NewTicker(signEvery)
		defer ticks.Stop()
		next = ticks.C
	}
	for f.host.Network().Connectedness(b.ID) == network.Connected {
		select {
		case <-b.lost:
		case <-next:
			switch err := f.messages().ping(ctx, b.ID); {
			case err == nil:
				// it may have been silent for so long that the DHT gave it up
				f.dht.RoutingTable().TryAddPeer(b.ID, true, false)
			case ctx.Err() != nil:
			case isSilence(err):
				f.log.Info("bootstrap peer is silent", "peer", b.ID, "err", Brief(err))
				f.host.Network().ClosePeer(b.ID)
			// it lives, and serves the mesh no more, or has too much to do; and of a
			// connection that has ended the host tells us
			default:
				f.log.Debug("bootstrap peer refuses a sign of life", "peer", b.ID, "err",
					Brief(err))
			}
		case <-ctx.Done():
			return false
		}
	}
	f.boots.lost(b)
	return true
}

// join waits until we know a peer of the mesh, as long as there is hope.
func (f *Finder) join(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	known := func() bool { return f.dht.RoutingTable().Size() > 0 }
	if !known() {
		f.boots.try()
		f.rejoin()
	}
	f.boots.wait(ctx, known)
	return known()
}

// rejoin meets those who were reached last, unless we know somebody, or it is under way.
// In an outage the DHT gives up all whom it knew, and those through whom we came at the
// start may be gone for good by its end. It returns at once.
func (f *Finder) rejoin() {
	if f.dht.RoutingTable().Size() > 0 || !f.rejoins.CompareAndSwap(false, true) {
		return
	}
	latest := slices.DeleteFunc(f.cache.latest(maxRejoin), func(info peer.AddrInfo) bool {
		return f.boots.tries(info.ID)
	})
	f.boots.expect(len(latest))
	f.tasks.Go(func() { // if none may begin, nobody waits any more
		defer f.rejoins.Store(false)
		var group sync.WaitGroup
		for _, info := range latest {
			group.Go(func() { f.meetAgain(info) })
		}
		group.Wait()
	})
}

// meetAgain meets one who was reached before, which is an attempt that is expected.
func (f *Finder) meetAgain(info peer.AddrInfo) {
	over := sync.OnceFunc(f.boots.attempted)
	defer over()
	defer time.AfterFunc(rejoinWait, over).Stop()
	ctx, cancel := context.WithTimeout(f.tasks.Context(), meetWait)
	defer cancel()
	var err error
	if f.host.Network().Connectedness(info.ID) == network.Connected { // which may be out of date
		err = f.messages().ping(ctx, info.ID)
	}
	if err == nil {
		err = f.meet(ctx, info)
	}
	if err != nil {
		f.log.Debug("can't join through one who was reached before", "peer", info.ID, "mesh",
			f.mesh.name, "err", err)
	}
}

// Moved is to be called when this machine is in another network, or has other addresses
// there: we say so in the local network and in the mesh, look around anew, and go back to
// the mesh at once.
func (f *Finder) Moved() {
	signal(f.moved)
	if f.near != nil {
		signal(f.near.again)
	}
	f.boots.wake()
	switch {
	case f.dht == nil:
	case f.dht.RoutingTable().Size() > 0:
		f.dht.RefreshRoutingTable()
	default:
		f.rejoin()
	}
}

// signal leaves a token, unless there is one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
