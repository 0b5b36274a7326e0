package discovery

import (
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

// A search of kad-dht asks ten members at once, and goes on while the first answers are
// on their way, so that it connects to twenty or more. A few of the nearest that we know
// mostly know the peer, or keep its record; in a mesh of many, a few of those that they
// name do. So these are asked first, each few before the next: at first those that we are
// connected to.
const (
	// askFew is how many are asked at once for the peer, and for its record.
	askFew = 3
	// askSteps is how often at most: each step leaves a twentieth of the distance or
	// less, as everybody names the twenty nearest that it knows.
	askSteps = 5
	// askWait is how long they have each time.
	askWait = 400 * time.Millisecond
)

// asking is a question to members near a key, for a search.
type asking struct {
	key  string
	kind pb.Message_MessageType
	// knows is told what a member has answered and whom it named, from any goroutine, and
	// says whether there is nobody else to ask.
	knows func(msg *pb.Message, named []*peer.AddrInfo) bool
}

// askPeer asks members near the peer whether they know it. Those who listen to a search's
// events hear of it.
func (f *Finder) askPeer(ctx context.Context, id peer.ID, _ func([]ma.Multiaddr)) {
	f.ask(ctx, asking{string(id), pb.Message_FIND_NODE,
		func(_ *pb.Message, named []*peer.AddrInfo) bool {
			return slices.ContainsFunc(named, func(info *peer.AddrInfo) bool {
				return info.ID == id && len(info.Addrs) > 0
			})
		}})
}

// askRecord asks members near the peer's record whether they keep it.
func (f *Finder) askRecord(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr)) {
	key := recordKey(id)
	f.ask(ctx, asking{key, pb.Message_GET_VALUE, func(msg *pb.Message, _ []*peer.AddrInfo) bool {
		value := msg.GetRecord().GetValue()
		if len(value) == 0 || (records{}).Validate(key, value) != nil {
			return false
		}
		says, err := openRecord(key, value)
		if err == nil {
			answer(says.Addrs)
		}
		return err == nil
	}})
}

// ask asks step by step, and returns when one knows, when somebody has said nothing, or
// when nobody is named who is nearer.
func (f *Finder) ask(ctx context.Context, q asking) {
	key := kbucket.ConvertKey(q.key)
	asked := map[peer.ID]bool{}
	few := f.handiest(key)
	for range askSteps {
		for _, id := range few {
			asked[id] = true
		}
		named, more := f.askAll(ctx, few, q)
		if !more {
			return
		}
		delete(named, f.host.ID())
		near := kbucket.SortClosestPeers(slices.AppendSeq(slices.Collect(maps.Keys(named)),
			maps.Keys(asked)), key)
		if len(near) == 0 || asked[near[0]] {
			return
		}
		near = slices.DeleteFunc(near, func(id peer.ID) bool { return asked[id] })
		few = near[:min(len(near), askFew)]
		for _, id := range few {
			if f.host.Network().Connectedness(id) != network.Connected {
				f.host.Peerstore().AddAddrs(id, named[id], peerstore.TempAddrTTL)
			}
		}
	}
}

// askAll asks some members at once, and returns when all have answered or have had their
// time: whom they named, and whether it makes sense to go on, as all have answered and
// none knows.
func (f *Finder) askAll(ctx context.Context, few []peer.ID,
	q asking) (named map[peer.ID][]ma.Multiaddr, more bool) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	var group sync.WaitGroup
	var mu sync.Mutex // of the results
	named, more = map[peer.ID][]ma.Multiaddr{}, true
	for _, to := range few {
		group.Go(func() {
			infos, known := f.askOne(ctx, to, q)
			mu.Lock()
			defer mu.Unlock()
			more = more && len(infos) > 0 && !known
			for _, info := range infos {
				named[info.ID] = info.Addrs
			}
		})
	}
	group.Wait()
	return named, more
}

// askOne asks a member, and returns whom it named, which is nobody if it said nothing,
// and whether it knows.
func (f *Finder) askOne(ctx context.Context, to peer.ID,
	q asking) (named []*peer.AddrInfo, known bool) {
	routing.PublishQueryEvent(ctx, &routing.QueryEvent{ID: to, Type: routing.SendingQuery})
	msg, err := f.messages().SendRequest(ctx, to, pb.NewMessage(q.kind, []byte(q.key), 0))
	if err != nil {
		return nil, false
	}
	named = pb.PBPeersToPeerInfos(msg.GetCloserPeers())
	routing.PublishQueryEvent(ctx, &routing.QueryEvent{ID: to, Type: routing.PeerResponse,
		Responses: named})
	return named, q.knows(msg, named)
}

// handiest are the members nearest to a key of those that we are connected to, and then
// of all others.
func (f *Finder) handiest(key kbucket.ID) []peer.ID {
	near := f.dht.RoutingTable().NearestPeers(key, f.dht.RoutingTable().Size())
	handy := func(id peer.ID) int {
		if f.host.Network().Connectedness(id) == network.Connected {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(near, func(a, b peer.ID) int { return handy(a) - handy(b) })
	return near[:min(len(near), askFew)]
}
