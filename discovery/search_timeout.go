package discovery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"
)

// Many of those whom a mesh names may be gone without a word, and the DHT asks ten at a
// time: where ten such are nearest to what is looked for, all others wait until the dials
// to them fail, which takes seconds. So a search gives each member a few round trips, and
// is given up when nobody new has answered for some more. How long a round trip takes is
// known of those who have answered before.
const (
	// minTrip and maxTrip bound what counts as a round trip to a member: a machine may be
	// busy, and a liar slow.
	minTrip = 120 * time.Millisecond
	maxTrip = 300 * time.Millisecond
	// goneTrips is how many a member gets to take a call. QUIC needs one, and TCP, which
	// waits for QUIC at first, up to four.
	goneTrips = 5
	// hushTrips is after how many without a new answer a search is over, and allTrips
	// after how many in all, if most say nothing or it would be a repetition.
	hushTrips = 10
	allTrips  = 14
)

// silence is who was asked for a peer, and since when nobody new has answered. It is
// touched by one goroutine.
type silence struct {
	peer     peer.ID
	trip     time.Duration
	end      time.Time        // of a search to which most say nothing, and of repeating it
	asked    map[peer.ID]bool // whether there was an answer
	answered int
	repeats  bool
	heard    map[peer.ID]bool // who has answered in this race
	// tells when the race is over; nil as long as nobody has answered, and in a
	// repetition
	hush <-chan time.Time
}

func newSilence(id peer.ID) *silence { return &silence{peer: id, asked: map[peer.ID]bool{}} }

// trip is how long members take to answer, as a rule, or the most if nobody knows.
func (f *Finder) trip() time.Duration {
	var all []time.Duration
	for _, id := range f.dht.RoutingTable().ListPeers() {
		if took := f.tripTo(id); took > 0 {
			all = append(all, took)
		}
	}
	if len(all) == 0 {
		return maxTrip
	}
	slices.Sort(all)
	return min(max(all[len(all)/2], minTrip), maxTrip)
}

// tripTo is how long a member takes, by its answers, or before the first one, by its
// packets; 0 is not known.
func (f *Finder) tripTo(id peer.ID) time.Duration {
	if took := f.host.Peerstore().LatencyEWMA(id); took > 0 {
		return took
	}
	for _, conn := range f.host.Network().ConnsToPeer(id) {
		var q *quic.Conn
		if conn.As(&q) {
			return q.ConnectionStats().SmoothedRTT
		}
	}
	return 0
}

type silenceKey struct{}

// silenceOf is what a search has to tell of its events, and to heed. It may be nil, and
// still asked.
func silenceOf(ctx context.Context) *silence {
	s, _ := ctx.Value(silenceKey{}).(*silence)
	return s
}

// lookup is the Finder's, for as long as somebody new answers; a repetition may last until the end.
func (s *silence) lookup(ctx context.Context, f *Finder, found func([]ma.Multiaddr)) bool {
	s.repeats = s.answered > 0
	if s.trip == 0 {
		s.trip = f.trip()
		s.end = time.Now().Add(allTrips * s.trip)
	}
	ctx = context.WithValue(network.WithDialPeerTimeout(ctx, goneTrips*s.trip), silenceKey{}, s)
	if s.repeats {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, s.end)
		defer cancel()
	}
	return f.lookup(ctx, s.peer, found)
}

// begin is called by each race of a search.
func (s *silence) begin() {
	if s == nil {
		return
	}
	s.heard, s.hush = map[peer.ID]bool{}, nil
	if s.answered > 0 {
		s.wait()
	}
}

// note takes in an event.
func (s *silence) note(e *routing.QueryEvent) {
	if s == nil || e.ID == s.peer || e.ID == "" {
		return
	}
	known, answers := s.asked[e.ID], e.Type == routing.PeerResponse
	s.asked[e.ID] = known || answers
	if !answers || s.heard[e.ID] {
		return
	}
	if !known {
		s.answered++
	}
	s.heard[e.ID] = true
	s.wait()
}

// wait has the race last until nobody new answers, from now on.
func (s *silence) wait() {
	if s.repeats {
		return
	}
	wait := hushTrips * s.trip
	if 2*s.answered < len(s.asked) {
		wait = min(wait, time.Until(s.end))
	}
	s.hush = time.After(wait)
}

// over tells when a race is over because of silence.
func (s *silence) over() <-chan time.Time {
	if s == nil {
		return nil
	}
	return s.hush
}

// permits says whether there is time for a repetition after a pause.
func (s *silence) permits(pause time.Duration) bool {
	return s.answered == 0 || time.Until(s.end) > pause
}

// String says who was asked.
func (s *silence) String() string {
	text := fmt.Sprintf("%d asked", len(s.asked))
	if silent := len(s.asked) - s.answered; silent > 0 {
		text += fmt.Sprintf(", %d silent", silent)
	}
	return text
}
