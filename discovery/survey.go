package discovery

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/trace"
)

// surveyWait is how long the mesh gets to say all it knows, after the first that it said,
// where a lookup for a call has moreAddrs.
const surveyWait = 5 * time.Second

type patientKey struct{}

func isPatient(ctx context.Context) bool { return ctx.Value(patientKey{}) != nil }

// patience is how long a lookup goes on after the first addresses.
func patience(ctx context.Context) time.Duration {
	if isPatient(ctx) {
		return surveyWait
	}
	return moreAddrs
}

// Answer is what one source knows of a peer.
type Answer struct {
	Source string
	Addrs  []ma.Multiaddr
	Seen   []time.Time // when it learnt of each address; nil if it does not tell
	Err    error       // why there are no addresses
}

// Survey asks every source to its end, where Find stops as soon as a call may begin, and
// calls tell with the answer of each, from any goroutine. It returns when all have
// answered or ctx ends.
func (f *Finder) Survey(ctx context.Context, id peer.ID, tell func(Answer)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.tasks.Context(), cancel)()
	var group sync.WaitGroup
	defer group.Wait()
	tell(f.surveyHere(id))
	tell(f.surveyCache(id))
	tell(f.surveyLately(id))
	group.Go(func() { tell(f.surveyNear(ctx, id)) })
	group.Go(func() { tell(f.surveyFar(ctx, id)) })
}

// surveyHere is where we are connected to the peer.
func (f *Finder) surveyHere(id peer.ID) Answer {
	a := Answer{Source: trace.Here}
	for _, conn := range f.host.Network().ConnsToPeer(id) {
		a.Addrs, a.Seen = append(a.Addrs, conn.RemoteMultiaddr()), append(a.Seen,
			conn.Stat().Opened)
	}
	if len(a.Addrs) == 0 {
		a.Err = fmt.Errorf("there is no connection to it")
	}
	return a
}

func (f *Finder) surveyCache(id peer.ID) Answer {
	a := Answer{Source: trace.Cache}
	for _, c := range f.cache.contacts(id) {
		a.Addrs, a.Seen = append(a.Addrs, c.Addr), append(a.Seen, c.At)
	}
	if len(a.Addrs) == 0 {
		a.Err = fmt.Errorf("it was never reached from here, or that is forgotten")
	}
	return a
}

// surveyLately is what libp2p keeps for a while of what the peer, or others, said of it.
func (f *Finder) surveyLately(id peer.ID) Answer {
	a := Answer{Source: trace.Lately, Addrs: f.host.Peerstore().Addrs(id)}
	if len(a.Addrs) == 0 {
		a.Err = fmt.Errorf("neither it nor anyone else has said so in the last minutes")
	}
	return a
}

func (f *Finder) surveyNear(ctx context.Context, id peer.ID) Answer {
	a := Answer{Source: trace.MDNS}
	if f.near == nil {
		a.Err = fmt.Errorf("mDNS is off")
		return a
	}
	a.Err = f.near.find(ctx, id, func(addrs []ma.Multiaddr) {
		a.Addrs = addrs
		at := f.near.when(id)
		for range addrs {
			a.Seen = append(a.Seen, at)
		}
	})
	return a
}

func (f *Finder) surveyFar(ctx context.Context, id peer.ID) Answer {
	a := Answer{Source: trace.DHT}
	ctx = context.WithValue(ctx, patientKey{}, true)
	switch {
	case f.dht == nil:
		a.Err = fmt.Errorf("the mesh %q has no DHT", f.mesh.name)
	case !f.join(ctx):
		a.Err = f.alone()
	case !f.lookup(ctx, id, func(addrs []ma.Multiaddr) { a.Addrs = append(a.Addrs, addrs...) }):
		a.Err = fmt.Errorf("no one in mesh %q knows it", f.mesh.name)
	}
	a.Addrs = ma.Unique(a.Addrs)
	return a
}
