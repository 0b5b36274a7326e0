package discovery

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
	ma "github.com/multiformats/go-multiaddr"
)

// A tally counts the members that were asked up to the first answer, and the hops to it.
func TestTally(t *testing.T) {
	a, b, c, wanted := newID(t), newID(t), newID(t), newID(t)
	at := []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/udp/4433/quic-v1")}
	asks := func(id peer.ID) *routing.QueryEvent {
		return &routing.QueryEvent{ID: id, Type: routing.SendingQuery}
	}
	names := func(id peer.ID, named ...peer.AddrInfo) *routing.QueryEvent {
		e := &routing.QueryEvent{ID: id, Type: routing.PeerResponse}
		for _, info := range named {
			e.Responses = append(e.Responses, &info)
		}
		return e
	}
	synctest.Test(t, func(t *testing.T) {
		seen := newTally(wanted)
		for _, e := range []*routing.QueryEvent{
			asks(a), asks(b),
			names(a, peer.AddrInfo{ID: c}, peer.AddrInfo{ID: b}),
			names(b, peer.AddrInfo{ID: wanted}), // knows the peer, but no address
			asks(c),
			names(c, peer.AddrInfo{ID: wanted, Addrs: at}),
			asks(wanted),
			names(a, peer.AddrInfo{ID: wanted, Addrs: at}),
		} {
			time.Sleep(time.Second)
			seen.note(e)
		}
		if got, want := seen.end(), (Lookup{wanted, true, 3, 2, 6 * time.Second}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		lost := newTally(wanted)
		lost.note(asks(a))
		time.Sleep(time.Second)
		if got, want := lost.end(), (Lookup{wanted, false, 1, 0, time.Second}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}
