package discovery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/trace"
)

// surveyWait is how long a survey of the mesh goes on after the first addresses, where a
// lookup for a call goes on for moreAddrsWait.
const surveyWait = 5 * time.Second

// Answer is what one source knows of a peer.
type Answer struct {
	Source string
	Addrs  []ma.Multiaddr
	Seen   []time.Time // when it learned of each address; nil if it does not know
	Err    error       // why there are no addresses
}

// Survey asks every source for all that it knows, where Find stops as soon as a call can
// start. It calls tell with the answer of each, from any goroutine, and returns when all
// have answered or ctx ends.
func (f *Finder) Survey(ctx context.Context, id peer.ID, tell func(Answer)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.tasks.Context(), cancel)()
	var group sync.WaitGroup
	defer group.Wait()
	tell(f.surveyConnections(id))
	tell(f.surveyCache(id))
	tell(f.surveyPeerstore(id))
	group.Go(func() { tell(f.surveyLAN(ctx, id)) })
	group.Go(func() { tell(f.surveyMesh(ctx, id)) })
}

func (f *Finder) surveyConnections(id peer.ID) Answer {
	a := Answer{Source: trace.Here}
	for _, conn := range f.host.Network().ConnsToPeer(id) {
		a.Addrs = append(a.Addrs, conn.RemoteMultiaddr())
		a.Seen = append(a.Seen, conn.Stat().Opened)
	}
	if len(a.Addrs) == 0 {
		a.Err = errors.New("there is no connection to it")
	}
	return a
}

func (f *Finder) surveyCache(id peer.ID) Answer {
	a := Answer{Source: trace.Cache}
	for _, known := range f.cache.entries(id) {
		a.Addrs, a.Seen = append(a.Addrs, known.Addr), append(a.Seen, known.At)
	}
	if len(a.Addrs) == 0 {
		a.Err = errors.New("it was never reached from here, or that is forgotten")
	}
	return a
}

// surveyPeerstore returns what libp2p remembers for some minutes of what the peer and
// others have said.
func (f *Finder) surveyPeerstore(id peer.ID) Answer {
	a := Answer{Source: trace.Lately, Addrs: f.host.Peerstore().Addrs(id)}
	if len(a.Addrs) == 0 {
		a.Err = errors.New("no peer has named an address of it in the last minutes")
	}
	return a
}

func (f *Finder) surveyLAN(ctx context.Context, id peer.ID) Answer {
	a := Answer{Source: trace.MDNS}
	if f.lan == nil {
		a.Err = errors.New("mDNS is off")
		return a
	}
	a.Err = f.lan.find(ctx, id, func(addrs []ma.Multiaddr) {
		a.Addrs = addrs
		at := f.lan.lastSeen(id)
		for range addrs {
			a.Seen = append(a.Seen, at)
		}
	})
	return a
}

func (f *Finder) surveyMesh(ctx context.Context, id peer.ID) Answer {
	a := Answer{Source: trace.DHT}
	if f.mesh == nil {
		a.Err = fmt.Errorf("the mesh %q has no DHT", f.name)
		return a
	}
	a.Err = f.mesh.survey(ctx, id, func(addrs []ma.Multiaddr) {
		a.Addrs = append(a.Addrs, addrs...)
	})
	a.Addrs = ma.Unique(a.Addrs)
	return a
}
