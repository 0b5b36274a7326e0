package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	record "github.com/libp2p/go-libp2p-record"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// publishDelay collects changes: a start brings interfaces, relays and a mesh in half
	// a second. If every peer can use one of the addresses, there is less to wait for.
	publishDelay     = 500 * time.Millisecond
	publishFastDelay = 100 * time.Millisecond
	// publishTimeout bounds one attempt: the search for the keepers, past members that are
	// gone, and storing.
	publishTimeout = 20 * time.Second
	// storeWait is what is left of it for storing if a search in the public mesh takes too
	// long. We are connected to those that were found.
	storeWait = 2 * time.Second
	// After a failure the next attempt comes after minRetry, then twice that, up to maxRetry.
	minRetry = 10 * time.Second
	maxRetry = time.Hour
	// While there is nothing to publish, or no member to tell, the pause between checks
	// grows from publishDelay to maxCheckPause. A check costs nothing, and a member that
	// is alone dials its bootstrap peers as often.
	maxCheckPause = time.Minute
	// republishEvery is how often the public mesh is told. It forgets after 24 h and has
	// members enough. A private one is told each refreshEvery, since new members may have
	// become the closest.
	republishEvery = 12 * time.Hour
)

// publisher tells the mesh where we are.
type publisher struct {
	*kad
	changed   chan struct{} // holds a token when our addresses have changed
	moved     chan struct{} // holds a token when this machine has moved
	met       chan struct{} // holds a token when a peer was identified
	published atomic.Pointer[time.Time]
	onPublish func()
}

func newPublisher(k *kad, onPublish func()) *publisher {
	return &publisher{kad: k, changed: make(chan struct{}, 1), moved: make(chan struct{}, 1),
		met: make(chan struct{}, 1), onPublish: onPublish}
}

// publishLoop is the state of a publisher's run, which no other goroutine uses.
type publishLoop struct {
	*publisher
	last  []ma.Multiaddr // of the last attempt; nil if there was none, or no member is left
	seq   uint64         // of the last record
	pause time.Duration  // after failures, or checks in vain
	renew time.Time      // when to publish again if nothing changes
	next  time.Time      // when to check again
}

// run publishes our addresses, again when they change and before the mesh forgets them,
// until ctx ends.
func (p *publisher) run(ctx context.Context) {
	events, err := p.host.EventBus().Subscribe([]any{
		new(event.EvtLocalAddressesUpdated),
		new(event.EvtPeerIdentificationCompleted),
	}, eventbus.BufSize(64))
	if err != nil {
		p.log.Warn("the addresses of this machine are not published", "err", err)
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	defer events.Close() // ends listen
	group.Go(func() { p.listen(events) })
	loop := &publishLoop{publisher: p}
	for loop.wait(ctx) {
		loop.check(ctx)
	}
}

// listen takes events at once: the host blocks while a subscriber's buffer is full.
func (p *publisher) listen(events event.Subscription) {
	for e := range events.Out() {
		if _, met := e.(event.EvtPeerIdentificationCompleted); met {
			signal(p.met)
		} else {
			signal(p.changed)
		}
	}
}

// wait returns when it is time to check, or false when ctx has ended.
func (p *publishLoop) wait(ctx context.Context) bool {
	timer := time.NewTimer(time.Until(p.next))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-p.moved:
		case <-p.changed:
		case <-p.met:
			if p.last != nil {
				continue // new peers matter only as long as there was no member to tell
			}
		case <-ctx.Done():
			return false
		}
		if p.last == nil {
			p.pause = 0 // a new peer enters the routing table a few round trips later
		}
		delay := publishDelay
		if slices.ContainsFunc(p.host.Addrs(), isForAll) {
			delay = publishFastDelay
		}
		if soon := time.Now().Add(delay); soon.Before(p.next) {
			p.next = soon
			timer.Reset(delay)
		}
	}
}

// check publishes if there is a member to tell and something new, and sets the time of
// the next check.
func (p *publishLoop) check(ctx context.Context) {
	addrs := publishable(p.host.Addrs())
	if p.name == public {
		addrs = onlyPublic(addrs)
	}
	switch {
	case len(addrs) == 0, p.isEmpty():
		p.last = nil
		p.pause = min(max(2*p.pause, publishDelay), maxCheckPause)
		p.next = time.Now().Add(p.pause)
		return
	case !slices.EqualFunc(addrs, p.last, ma.Multiaddr.Equal):
		p.pause = 0
	case time.Now().Before(p.renew):
		p.next = p.renew
		return
	}
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "publish"), publishTimeout)
	defer cancel()
	p.seq = nextSeq(p.seq, time.Now())
	err := p.publish(ctx, addrs, p.seq)
	p.last = addrs
	wait := refreshEvery
	if p.name == public {
		wait = republishEvery
	}
	if err == nil {
		p.pause = 0
		p.notePublished()
	} else {
		p.pause = min(max(2*p.pause, minRetry), maxRetry)
		wait = p.pause
		p.log.Info("can't publish the addresses of this machine", "mesh", p.name, "err", err)
	}
	// random, so that the members of a mesh do not all publish at the same moment
	p.renew = time.Now().Add(wait - rand.N(wait/8))
	p.next = p.renew
}

// notePublished has the cache saved, too: through the members that have answered we may
// come back to the mesh.
func (p *publisher) notePublished() {
	now := time.Now()
	p.published.Store(&now)
	p.onPublish()
}

// publishedWithin reports whether our addresses were published so lately.
func (p *publisher) publishedWithin(d time.Duration) bool {
	at := p.published.Load()
	return at != nil && time.Since(*at) < d
}

// publish has members keep our addresses, in a private mesh as the record of that number.
func (p *publisher) publish(ctx context.Context, addrs []ma.Multiaddr, seq uint64) error {
	if p.name == public {
		return p.provide(ctx, addrs)
	}
	key := p.host.Peerstore().PrivKey(p.host.ID())
	if key == nil {
		return errors.New("there is no key to sign with")
	}
	value, err := sealRecord(key, p.host.ID(), addrs, seq)
	if err != nil {
		return fmt.Errorf("sign a record: %w", err)
	}
	keepers, err := p.closest(ctx)
	if err != nil {
		return fmt.Errorf("search for members to keep it: %w", err)
	}
	to, err := pb.NewProtocolMessenger(p.rpc())
	if err != nil {
		return err
	}
	rec := record.MakePutRecord(recordKey(p.host.ID()), value)
	return store(keepers, func(keeper peer.ID) error { return to.PutValue(ctx, keeper, rec) })
}

// provide has members of the public mesh keep that we provide our key, and where. kad-dht's
// own Provide does not tell whether any of them does.
func (p *publisher) provide(ctx context.Context, addrs []ma.Multiaddr) error {
	key := providerKey(p.host.ID()).Hash()
	searchCtx, cancel := context.WithTimeout(ctx, publishTimeout-storeWait)
	defer cancel()
	keepers, searchErr := p.dht.GetClosestPeers(searchCtx, string(key))
	if searchErr != nil {
		searchErr = fmt.Errorf("search for members to keep it: %w", searchErr)
		if len(keepers) == 0 {
			return searchErr
		}
	}
	to, err := pb.NewProtocolMessenger(confirmedRPC{p.rpc()})
	if err != nil {
		return err
	}
	self := peer.AddrInfo{ID: p.host.ID(), Addrs: addrs}
	if err := store(keepers, func(keeper peer.ID) error {
		return to.PutProviderAddrs(ctx, keeper, key, self)
	}); err != nil {
		return err
	}
	return searchErr // other members may be closer than those that were found in time
}

// confirmedRPC sends messages that have no answer, and waits until the member has read
// them: otherwise one that is gone could be written to for half a minute. A server that
// has read a message closes its side of the stream, and resets it to refuse.
type confirmedRPC struct{ rpc }

func (r confirmedRPC) SendMessage(ctx context.Context, to peer.ID, msg *pb.Message) error {
	return r.exchange(ctx, to, func(s network.Stream) error {
		if err := pbio.NewDelimitedWriter(s).WriteMsg(msg); err != nil {
			return err
		}
		if err := s.CloseWrite(); err != nil {
			return err
		}
		_, err := s.Read(make([]byte, 1))
		if err == io.EOF {
			return nil
		}
		return err
	})
}

// store asks all keepers at once. It succeeds if one of them stores.
func store(keepers []peer.ID, ask func(peer.ID) error) error {
	if len(keepers) == 0 {
		return errors.New("no member answers")
	}
	errs := make([]error, len(keepers))
	var group sync.WaitGroup
	for i, keeper := range keepers {
		group.Go(func() { errs[i] = ask(keeper) })
	}
	group.Wait()
	if slices.Contains(errs, nil) {
		return nil
	}
	return fmt.Errorf("no member keeps it: %w", errors.Join(errs...))
}
