package discovery

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	kbucket "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/routing"
	ma "github.com/multiformats/go-multiaddr"
)

// A search of kad-dht asks ten members at once and goes on while the first answers are on
// their way, so that it connects to twenty or more. The nearest few members that we know
// usually know the peer or keep its record; in a large mesh, the nearest few that those
// name do. So a fast search asks only these, step by step, connected members first.
const (
	// fastWidth is how many members a step asks at once for the peer, and as many for its
	// record.
	fastWidth = 3
	// fastSteps bounds the steps. Each leaves at most a twentieth of the distance, since a
	// member names the twenty nearest that it knows.
	fastSteps = 5
	// fastStepWait bounds a step.
	fastStepWait = 400 * time.Millisecond
)

// question is what a fast search asks members near a key.
type question struct {
	key  string
	kind pb.Message_MessageType
	// isAnswer reports whether an answer ends the search. It is given the peers that the
	// answer names, and is called from any goroutine.
	isAnswer func(msg *pb.Message, named []*peer.AddrInfo) bool
}

// fastFindPeer asks members near the peer whether they know it. race learns of it from
// the events.
func (k *kad) fastFindPeer(ctx context.Context, id peer.ID, _ func([]ma.Multiaddr)) {
	k.fastSearch(ctx, question{string(id), pb.Message_FIND_NODE,
		func(_ *pb.Message, named []*peer.AddrInfo) bool {
			return slices.ContainsFunc(named, func(info *peer.AddrInfo) bool {
				return info.ID == id && len(info.Addrs) > 0
			})
		}})
}

// fastFindRecord asks members near the peer's record whether they keep it.
func (k *kad) fastFindRecord(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr)) {
	key := recordKey(id)
	k.fastSearch(ctx, question{key, pb.Message_GET_VALUE,
		func(msg *pb.Message, _ []*peer.AddrInfo) bool {
			rec, err := validRecord(key, msg.GetRecord().GetValue())
			if err == nil {
				answer(rec.Addrs)
			}
			return err == nil
		}})
}

// fastSearch returns when a member has the answer, when one is silent, or when no nearer
// member is named.
func (k *kad) fastSearch(ctx context.Context, q question) {
	key := kbucket.ConvertKey(q.key)
	asked := map[peer.ID]bool{}
	next := k.nearestConnected(key)
	for range fastSteps {
		for _, id := range next {
			asked[id] = true
		}
		named, more := k.askAll(ctx, next, q)
		if !more {
			return
		}
		delete(named, k.host.ID())
		near := kbucket.SortClosestPeers(slices.AppendSeq(slices.Collect(maps.Keys(named)),
			maps.Keys(asked)), key)
		if len(near) == 0 || asked[near[0]] {
			return
		}
		near = slices.DeleteFunc(near, func(id peer.ID) bool { return asked[id] })
		next = near[:min(len(near), fastWidth)]
		for _, id := range next {
			if k.host.Network().Connectedness(id) != network.Connected {
				k.host.Peerstore().AddAddrs(id, named[id], peerstore.TempAddrTTL)
			}
		}
	}
}

// askAll asks members at once and returns the peers that they name, and whether it makes
// sense to go on: all have answered, and none has ended the search.
func (k *kad) askAll(ctx context.Context, members []peer.ID,
	q question) (named map[peer.ID][]ma.Multiaddr, more bool) {
	ctx, cancel := context.WithTimeout(ctx, fastStepWait)
	defer cancel()
	var group sync.WaitGroup
	var mu sync.Mutex // guards the results
	named, more = map[peer.ID][]ma.Multiaddr{}, true
	for _, to := range members {
		group.Go(func() {
			infos, isAnswer := k.ask(ctx, to, q)
			mu.Lock()
			defer mu.Unlock()
			more = more && len(infos) > 0 && !isAnswer
			for _, info := range infos {
				named[info.ID] = info.Addrs
			}
		})
	}
	group.Wait()
	return named, more
}

// ask asks one member and returns the peers that it names, none if it is silent, and
// whether its answer ends the search.
func (k *kad) ask(ctx context.Context, to peer.ID,
	q question) (named []*peer.AddrInfo, isAnswer bool) {
	routing.PublishQueryEvent(ctx, &routing.QueryEvent{ID: to, Type: routing.SendingQuery})
	msg, err := k.rpc().SendRequest(ctx, to, pb.NewMessage(q.kind, []byte(q.key), 0))
	if err != nil {
		return nil, false
	}
	named = pb.PBPeersToPeerInfos(msg.GetCloserPeers())
	routing.PublishQueryEvent(ctx, &routing.QueryEvent{ID: to, Type: routing.PeerResponse,
		Responses: named})
	return named, q.isAnswer(msg, named)
}

// nearestConnected returns the members nearest to a key, first those that we are
// connected to.
func (k *kad) nearestConnected(key kbucket.ID) []peer.ID {
	near := k.dht.RoutingTable().NearestPeers(key, k.size())
	distance := func(id peer.ID) int {
		if k.host.Network().Connectedness(id) == network.Connected {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(near, func(a, b peer.ID) int {
		return cmp.Compare(distance(a), distance(b))
	})
	return near[:min(len(near), fastWidth)]
}
