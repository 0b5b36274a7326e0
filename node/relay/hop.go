package relay

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// hopHost is a host as a relay client sees it: its streams to relays are bounded by hopWait
// and by the context of the dial.
//
// In go-libp2p 0.52.0 client.Client bounds both by package variables, DialRelayTimeout and
// DialTimeout, which hold for all hosts of the process, and it waits for the relay's answer
// whether or not the dial's context has ended. hopHost can go when the client takes the two
// times as options and dialPeer honours ctx while it waits in connect.
type hopHost struct{ host.Host }

// NewStream is called with a context that the client cancels when its dial returns.
func (h hopHost) NewStream(ctx context.Context, relay peer.ID,
	protocols ...protocol.ID) (network.Stream, error) {
	opening, cancel := context.WithTimeout(ctx, hopWait)
	defer cancel()
	s, err := h.Host.NewStream(opening, relay, protocols...)
	if err != nil {
		return nil, err
	}
	return &hopStream{Stream: s, opened: context.AfterFunc(ctx, func() { s.Reset() })}, nil
}

// hopStream is a stream to a relay. While the client waits for the relay's answer, it uses
// the stream in one goroutine: it sets a deadline, and clears it when the answer has come.
type hopStream struct {
	network.Stream
	opened func() bool // ends the watch of the dial's context; nil once the answer has come
}

func (s *hopStream) SetDeadline(t time.Time) error {
	if s.opened == nil {
		return s.Stream.SetDeadline(t)
	}
	if t.IsZero() {
		s.opened()
		s.opened = nil
		return s.Stream.SetDeadline(t)
	}
	if most := time.Now().Add(hopWait); t.After(most) {
		t = most
	}
	return s.Stream.SetDeadline(t)
}
