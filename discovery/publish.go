package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
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
	// publishSoon collects what changes at one time: a start brings interfaces, relays
	// and a mesh in half a second. publishNow is for when everybody can use what there is
	// to say already, so that there is little to wait for.
	publishSoon = 500 * time.Millisecond
	publishNow  = 100 * time.Millisecond
	// publishWait bounds one attempt: a lookup of who is to keep it, past those that are
	// dead, and handing it over.
	publishWait = 20 * time.Second
	// handWait is what is left of that for handing over when a search in the public mesh
	// takes too long. We are connected to those who were found.
	handWait = 2 * time.Second
	// After a failure the next attempt comes after minRetry, then twice that, up to maxRetry.
	minRetry = 10 * time.Second
	maxRetry = time.Hour
	// As long as there is nothing to say, or nobody to say it to, the pause between looks
	// grows from publishSoon to maxLook. A look costs nothing, and who is alone calls
	// those it could begin with as often.
	maxLook = time.Minute
	// publicRepublish is how often the public mesh is told. It forgets after 24 h, and
	// has members enough.
	publicRepublish = 12 * time.Hour
)

// publisher tells the mesh where we are. It is touched by one goroutine, but for its channels.
type publisher struct {
	finder *Finder
	news   chan struct{}  // holds a token when our addresses have changed
	met    chan struct{}  // holds a token when we have met somebody
	said   []ma.Multiaddr // by the last attempt; nil where there was none, or is nobody left
	seq    uint64         // of the record that the last attempt made
	pause  time.Duration  // after attempts, or looks, in vain
	renew  time.Time      // when to make the next one, though nothing has changed
	due    time.Time      // when to look again what there is to say
}

// publish tells the mesh where we are, again whenever our addresses change, and before
// the mesh forgets, until ctx ends.
func (f *Finder) publish(ctx context.Context) {
	events, err := f.host.EventBus().Subscribe([]any{
		new(event.EvtLocalAddressesUpdated),
		new(event.EvtPeerIdentificationCompleted),
	}, eventbus.BufSize(64))
	if err != nil {
		f.log.Warn("the mesh is not told where this machine is", "err", err)
		return
	}
	p := &publisher{finder: f, news: make(chan struct{}, 1), met: make(chan struct{}, 1)}
	var group sync.WaitGroup
	defer group.Wait()
	defer events.Close() // ends listen
	group.Go(func() { p.listen(events) })
	for p.wait(ctx) {
		p.tell(ctx)
	}
}

// listen takes in what the host tells, at once: a host whose listener is busy telling the
// mesh would stand still.
func (p *publisher) listen(events event.Subscription) {
	for e := range events.Out() {
		if _, met := e.(event.EvtPeerIdentificationCompleted); met {
			signal(p.met)
		} else {
			signal(p.news)
		}
	}
}

// wait returns when it is time to look, or false when ctx has ended.
func (p *publisher) wait(ctx context.Context) bool {
	due := time.NewTimer(time.Until(p.due))
	defer due.Stop()
	for {
		select {
		case <-due.C:
			return true
		case <-p.finder.moved:
		case <-p.news:
		case <-p.met:
			if p.said != nil {
				continue // whom we meet matters only as long as we know nobody
			}
		case <-ctx.Done():
			return false
		}
		if p.said == nil {
			p.pause = 0 // whom we met is in the table a few round trips later, if at all
		}
		wait := publishSoon
		if slices.ContainsFunc(p.finder.host.Addrs(), isForAll) {
			wait = publishNow
		}
		if soon := time.Now().Add(wait); soon.Before(p.due) {
			p.due = soon
			due.Reset(wait)
		}
	}
}

// tell tells the mesh, if there is one and something to say, and sets when to look again.
func (p *publisher) tell(ctx context.Context) {
	f := p.finder
	addrs := worthTelling(f.host.Addrs())
	if f.mesh.name == public {
		addrs = onlyPublic(addrs)
	}
	changed := !slices.EqualFunc(addrs, p.said, ma.Multiaddr.Equal)
	switch {
	case len(addrs) == 0, f.dht.RoutingTable().Size() == 0:
		p.said = nil
		p.pause = min(max(2*p.pause, publishSoon), maxLook)
		p.due = time.Now().Add(p.pause)
		return
	case changed:
		p.pause = 0
	case time.Now().Before(p.renew):
		p.due = p.renew
		return
	}
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "publish"), publishWait)
	defer cancel()
	p.seq = nextSeq(p.seq, time.Now())
	err := f.put(ctx, addrs, p.seq)
	p.said = addrs
	wait := lookEvery // the mesh may have grown around us, so that others should keep our record
	if f.mesh.name == public {
		wait = publicRepublish
	}
	if err == nil {
		p.pause = 0
		f.noteTold()
	} else {
		p.pause = min(max(2*p.pause, minRetry), maxRetry)
		wait = p.pause
		f.log.Info("the mesh was not told where this machine is", "mesh", f.mesh.name, "err", err)
	}
	p.renew = time.Now().Add(wait - rand.N(wait/8)) // so that a mesh does not do it all at once
	p.due = p.renew
}

// noteTold notes that the mesh knows where we are now. Of those who answered to that some
// may be the way back.
func (f *Finder) noteTold() {
	now := time.Now()
	f.announced.Store(&now)
	signal(f.cache.dirty)
}

// toldIn says whether the mesh was told where we are in the time just past.
func (f *Finder) toldIn(past time.Duration) bool {
	at := f.announced.Load()
	return at != nil && time.Since(*at) < past
}

// put hands our addresses to those members of the mesh that are to keep them, in a
// private one as the record of that number.
func (f *Finder) put(ctx context.Context, addrs []ma.Multiaddr, seq uint64) error {
	if f.mesh.name == public {
		return f.provide(ctx, addrs)
	}
	key := f.host.Peerstore().PrivKey(f.host.ID())
	if key == nil {
		return errors.New("there is no key to sign with")
	}
	value, err := sealRecord(key, f.host.ID(), addrs, seq)
	if err != nil {
		return fmt.Errorf("sign a record: %w", err)
	}
	keepers, err := f.neighbours(ctx)
	if err != nil {
		return fmt.Errorf("search for who is to keep it: %w", err)
	}
	to, err := pb.NewProtocolMessenger(f.messages())
	if err != nil {
		return err
	}
	rec := record.MakePutRecord(recordKey(f.host.ID()), value)
	return handOut(keepers, func(keeper peer.ID) error { return to.PutValue(ctx, keeper, rec) })
}

// provide has members of the public mesh keep that we provide our beacon, and where.
// kad-dht's Provide would not tell whether anybody does.
func (f *Finder) provide(ctx context.Context, addrs []ma.Multiaddr) error {
	key := beacon(f.host.ID()).Hash()
	searching, cancel := context.WithTimeout(ctx, publishWait-handWait)
	defer cancel()
	keepers, late := f.dht.GetClosestPeers(searching, string(key))
	if late != nil {
		late = fmt.Errorf("search for who is to keep it: %w", late)
		if len(keepers) == 0 {
			return late
		}
	}
	to, err := pb.NewProtocolMessenger(confirmed{f.messages()})
	if err != nil {
		return err
	}
	self := peer.AddrInfo{ID: f.host.ID(), Addrs: addrs}
	if err := handOut(keepers, func(keeper peer.ID) error {
		return to.PutProviderAddrs(ctx, keeper,
			key, self)
	}); err != nil {
		return err
	}
	return late // others may be nearer than those who were found in time
}

// confirmed are messages that count as sent when the member has taken them in, even those
// that have no answer: one that is gone without a word could be written to for half a
// minute. A server that has read all there was closes its side of the stream, and resets
// what it refuses.
type confirmed struct{ messages }

func (c confirmed) SendMessage(ctx context.Context, to peer.ID, msg *pb.Message) error {
	return c.exchange(ctx, to, func(s network.Stream) error {
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

// handOut asks members to keep something of ours, all at once. One that does is enough for now.
func handOut(keepers []peer.ID, hand func(peer.ID) error) error {
	if len(keepers) == 0 {
		return errors.New("nobody answers")
	}
	errs := make([]error, len(keepers))
	var group sync.WaitGroup
	for i, keeper := range keepers {
		group.Go(func() { errs[i] = hand(keeper) })
	}
	group.Wait()
	if slices.Contains(errs, nil) {
		return nil
	}
	return fmt.Errorf("nobody keeps it: %w", errors.Join(errs...))
}
