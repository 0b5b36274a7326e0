package discovery

import (
	"context"
	"slices"
	"sync"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	kbucket "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
	ma "github.com/multiformats/go-multiaddr"
)

// A search of kad-dht asks ten members at once, and goes on while the first answers are on their way, so that it connects to twenty or more. In a
// mesh of up to some thousands the nearest that we know mostly know the peer, or keep its record. So a few of them are asked first:
// those that we are connected to before all others.
const (
	// askFirst is how many are asked for the peer, and for its record.
	askFirst = 3
	// askWait is how long they have.
	askWait = 400 * time.Millisecond
)

// askPeer asks members near the peer whether they know it.
func (f *Finder) askPeer(ctx context.Context, id peer.ID, _ func([]ma.Multiaddr)) {
	f.ask(ctx, string(id), pb.Message_FIND_NODE, func(from peer.ID, msg *pb.Message) {
		infos := pb.PBPeersToPeerInfos(msg.GetCloserPeers())
		routing.PublishQueryEvent(ctx, &routing.QueryEvent{ID: from, Type: routing.PeerResponse, Responses: infos})
	})
}

// askRecord asks members near the peer's record whether they keep it.
func (f *Finder) askRecord(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr)) {
	key := recordKey(id)
	f.ask(ctx, key, pb.Message_GET_VALUE, func(from peer.ID, msg *pb.Message) {
		routing.PublishQueryEvent(ctx, &routing.QueryEvent{ID: from, Type: routing.PeerResponse})
		value := msg.GetRecord().GetValue()
		if len(value) == 0 || (records{}).Validate(key, value) != nil {
			return
		}
		if says, err := openRecord(key, value); err == nil {
			answer(says.Addrs)
		}
	})
}

// ask sends a message to members near the key, calls take with each answer, from any goroutine, and returns when it has all or they have
// had their time.
func (f *Finder) ask(ctx context.Context, key string, kind pb.Message_MessageType, take func(from peer.ID, msg *pb.Message)) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	asked := f.messages()
	var group sync.WaitGroup
	defer group.Wait()
	for _, to := range f.handiest(kbucket.ConvertKey(key)) {
		group.Go(func() {
			routing.PublishQueryEvent(ctx, &routing.QueryEvent{ID: to, Type: routing.SendingQuery})
			if msg, err := asked.SendRequest(ctx, to, pb.NewMessage(kind, []byte(key), 0)); err == nil {
				take(to, msg)
			}
		})
	}
}

// handiest are the members nearest to a key of those that we are connected to, and then of all others.
func (f *Finder) handiest(key kbucket.ID) []peer.ID {
	near := f.dht.RoutingTable().NearestPeers(key, f.dht.RoutingTable().Size())
	handy := func(id peer.ID) int {
		if f.host.Network().Connectedness(id) == network.Connected {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(near, func(a, b peer.ID) int { return handy(a) - handy(b) })
	return near[:min(len(near), askFirst)]
}
