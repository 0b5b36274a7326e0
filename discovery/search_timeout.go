package discovery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
	"github.com/quic-go/quic-go"
)

// Many members that others name may be gone. The DHT asks ten at a time: if the ten
// nearest to the key are gone, it waits some seconds until the dials to them fail. So a
// search gives each member a few round trips, and ends when no new member has answered
// for some more. The members that have answered before tell how long a round trip takes.
const (
	// minRTT and maxRTT bound what counts as a round trip to a member: a machine may be
	// busy, and a liar slow.
	minRTT = 120 * time.Millisecond
	maxRTT = 300 * time.Millisecond
	// dialRTTs is how many round trips a dial may take. QUIC needs one. TCP, which first
	// waits for QUIC, needs up to four.
	dialRTTs = 5
	// quietRTTs is after how many without a new answer a search is over. totalRTTs is
	// after how many it is over if most members are silent, and how many it has together
	// with its repetitions.
	quietRTTs = 10
	totalRTTs = 14
)

// searchTimeout tells when a search for a peer has waited long enough. Only the goroutine
// that runs the search uses it. A nil one never ends a search.
type searchTimeout struct {
	peer     peer.ID
	rtt      time.Duration
	deadline time.Time        // if most members are silent, and for repetitions
	asked    map[peer.ID]bool // whether the member has answered
	answered int
	isRepeat bool
	heard    map[peer.ID]bool // who has answered in this race
	// ends the race; nil before the first answer and in a repetition
	quiet <-chan time.Time
}

func newSearchTimeout(id peer.ID) *searchTimeout {
	return &searchTimeout{peer: id, asked: map[peer.ID]bool{}}
}

// rtt returns the median round-trip time of the members that have answered, or the
// maximum if none has.
func (k *kad) rtt() time.Duration {
	var all []time.Duration
	for _, id := range k.dht.RoutingTable().ListPeers() {
		if rtt := k.rttTo(id); rtt > 0 {
			all = append(all, rtt)
		}
	}
	if len(all) == 0 {
		return maxRTT
	}
	slices.Sort(all)
	return min(max(all[len(all)/2], minRTT), maxRTT)
}

// rttTo returns how long a member takes to answer, before its first answer how long its
// packets take, and 0 if neither is known.
func (k *kad) rttTo(id peer.ID) time.Duration {
	if rtt := k.host.Peerstore().LatencyEWMA(id); rtt > 0 {
		return rtt
	}
	for _, conn := range k.host.Network().ConnsToPeer(id) {
		var q *quic.Conn
		if conn.As(&q) {
			return q.ConnectionStats().SmoothedRTT
		}
	}
	return 0
}

// start begins a search or repeats it, under the context that it returns. A search goes
// on as long as new members answer, a repetition until the deadline.
func (t *searchTimeout) start(ctx context.Context,
	rtt func() time.Duration) (context.Context, context.CancelFunc) {
	t.isRepeat = t.answered > 0
	if t.rtt == 0 {
		t.rtt = rtt()
		t.deadline = time.Now().Add(totalRTTs * t.rtt)
	}
	ctx = network.WithDialPeerTimeout(ctx, dialRTTs*t.rtt)
	if t.isRepeat {
		return context.WithDeadline(ctx, t.deadline)
	}
	return context.WithCancel(ctx)
}

// startRace is called by each race of a search.
func (t *searchTimeout) startRace() {
	if t == nil {
		return
	}
	t.heard, t.quiet = map[peer.ID]bool{}, nil
	if t.answered > 0 {
		t.extend()
	}
}

// note takes in an event.
func (t *searchTimeout) note(e *routing.QueryEvent) {
	if t == nil || e.ID == t.peer || e.ID == "" {
		return
	}
	before, answers := t.asked[e.ID], e.Type == routing.PeerResponse
	t.asked[e.ID] = before || answers
	if !answers || t.heard[e.ID] {
		return
	}
	if !before {
		t.answered++
	}
	t.heard[e.ID] = true
	t.extend()
}

// extend lets the race go on for quietRTTs from now.
func (t *searchTimeout) extend() {
	if t.isRepeat {
		return
	}
	wait := quietRTTs * t.rtt
	if 2*t.answered < len(t.asked) {
		wait = min(wait, time.Until(t.deadline))
	}
	t.quiet = time.After(wait)
}

// over tells when a race is over.
func (t *searchTimeout) over() <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.quiet
}

// allows reports whether there is time for a repetition after a pause.
func (t *searchTimeout) allows(pause time.Duration) bool {
	return t.answered == 0 || time.Until(t.deadline) > pause
}

// String says how many members were asked.
func (t *searchTimeout) String() string {
	text := fmt.Sprintf("%d asked", len(t.asked))
	if silent := len(t.asked) - t.answered; silent > 0 {
		text += fmt.Sprintf(", %d silent", silent)
	}
	return text
}
