package node

import (
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/time/rate"

	"github.com/cell-mesh/cell/internal/address"
)

const (
	// strangerCalls is how many calls a peer may have open to us at one time whom the
	// owner does not trust; it has a key, calls a public cell, or is about to be refused.
	// Streams that have not said yet what they are for count as calls.
	strangerCalls = 64
	// strangerRefusals is how many streams a stranger may open beyond that at once, and
	// one more each second. Then it is sent away: quic-go keeps a stream that was reset
	// until the other end has agreed to that.
	strangerRefusals = 1024
)

// strangers bounds what peers may hold whom the owner does not trust. It counts those who
// are trusted too: they may become strangers, and the list of them is looked at only
// where it matters.
type strangers struct {
	friends  func() []address.ID // nil if there are none
	sendAway func(peer.ID)

	mu    sync.Mutex
	peers map[peer.ID]*guest
}

type guest struct {
	calls    int
	refusals *rate.Limiter
	gone     bool // without a connection
}

func newStrangers(friends func() []address.ID, sendAway func(peer.ID)) *strangers {
	return &strangers{friends: friends, sendAway: sendAway, peers: map[peer.ID]*guest{}}
}

// enter counts a call, or refuses it.
func (s *strangers) enter(id peer.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.peers[id]
	if g == nil {
		g = &guest{refusals: rate.NewLimiter(1, strangerRefusals)}
		s.peers[id] = g
	}
	if g.calls >= strangerCalls && !s.trusts(id) {
		if !g.refusals.Allow() {
			s.sendAway(id)
		}
		return network.ErrResourceLimitExceeded
	}
	g.calls++
	g.gone = false
	return nil
}

func (s *strangers) leave(id peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers[id].calls--
	s.tidy(id)
}

// forget is called when a peer has no connection any more. Its calls are about to end.
func (s *strangers) forget(id peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.peers[id]; g != nil {
		g.gone = true
		s.tidy(id)
	}
}

func (s *strangers) tidy(id peer.ID) {
	if g := s.peers[id]; g.gone && g.calls == 0 {
		delete(s.peers, id)
	}
}

func (s *strangers) trusts(id peer.ID) bool {
	text := id.String()
	return s.friends != nil && slices.ContainsFunc(s.friends(), func(f address.ID) bool {
		return f.String() == text
	})
}

// asCalls makes a resource manager count raw streams as calls. It has limits for each
// protocol, and with names of his choice a stranger could have as many protocols as he
// likes. Those limits are made for peers who are trusted; what others may hold is up to
// strangers.
type asCalls struct {
	network.ResourceManager
	others *strangers
}

func (m asCalls) OpenStream(p peer.ID, dir network.Direction) (network.StreamManagementScope, error) {
	inbound := dir == network.DirInbound
	if inbound {
		if err := m.others.enter(p); err != nil {
			return nil, err
		}
	}
	leave := sync.OnceFunc(func() {
		if inbound {
			m.others.leave(p)
		}
	})
	s, err := m.ResourceManager.OpenStream(p, dir)
	if err != nil {
		leave()
		return nil, err
	}
	return asCall{s, leave}, nil
}

type asCall struct {
	network.StreamManagementScope
	leave func() // once it is no call
}

func (s asCall) SetProtocol(p protocol.ID) error {
	if isRaw(p) {
		p = Protocol
	}
	if p != Protocol {
		s.leave()
	}
	return s.StreamManagementScope.SetProtocol(p)
}

func (s asCall) Done() {
	s.leave()
	s.StreamManagementScope.Done()
}
