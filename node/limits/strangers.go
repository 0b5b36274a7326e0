package limits

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
	// strangerCalls is how many calls a peer that is not trusted may have open to us. It
	// has a key, calls a public cell, or is about to be refused. A stream that has not
	// negotiated its protocol yet counts as a call.
	strangerCalls = 64
	// strangerRefusals is how many more streams a stranger may try to open at once, and
	// one more each second. Then it is disconnected, because quic-go keeps a stream that
	// was reset until the other end has acknowledged that.
	strangerRefusals = 1024
)

// strangers limits what peers that are not trusted may hold. It counts the calls of
// trusted peers as well: they may become strangers, and the list of friends is only read
// where it decides something.
type strangers struct {
	friends    func() []address.ID // nil if there are none
	disconnect func(peer.ID)

	mu    sync.Mutex
	peers map[peer.ID]*usage
}

type usage struct {
	calls        int
	refusals     *rate.Limiter
	disconnected bool
}

// acquire counts a call, or refuses it.
func (s *strangers) acquire(id peer.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.peers[id]
	if u == nil {
		u = &usage{refusals: rate.NewLimiter(1, strangerRefusals)}
		s.peers[id] = u
	}
	if u.calls >= strangerCalls && !s.isFriend(id) {
		if !u.refusals.Allow() {
			s.disconnect(id)
		}
		return network.ErrResourceLimitExceeded
	}
	u.calls++
	u.disconnected = false
	return nil
}

func (s *strangers) release(id peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers[id].calls--
	s.tidy(id)
}

// Disconnected must be called when the last connection to a peer has gone. Its streams may
// still be about to end.
func (m *Manager) Disconnected(id peer.ID) {
	s := &m.strangers
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.peers[id]; u != nil {
		u.disconnected = true
		s.tidy(id)
	}
}

func (s *strangers) tidy(id peer.ID) {
	if u := s.peers[id]; u.disconnected && u.calls == 0 {
		delete(s.peers, id)
	}
}

func (s *strangers) isFriend(id peer.ID) bool {
	text := id.String()
	return s.friends != nil && slices.ContainsFunc(s.friends(), func(f address.ID) bool {
		return f.String() == text
	})
}

// OpenStream counts inbound streams as calls until they turn out to be something else.
// libp2p has limits per protocol, but with protocol names of its own a stranger could get
// around them. They are made for trusted peers.
func (m *Manager) OpenStream(p peer.ID, dir network.Direction) (network.StreamManagementScope,
	error) {
	release := func() {}
	if dir == network.DirInbound {
		if err := m.strangers.acquire(p); err != nil {
			return nil, err
		}
		release = sync.OnceFunc(func() { m.strangers.release(p) })
	}
	s, err := m.ResourceManager.OpenStream(p, dir)
	if err != nil {
		release()
		return nil, err
	}
	return stream{s, m.cfg, release}, nil
}

// stream is the resource scope of a stream.
type stream struct {
	network.StreamManagementScope
	cfg     Config
	release func() // called when the stream is not a call, or not any more
}

func (s stream) SetProtocol(p protocol.ID) error {
	if s.cfg.IsCall != nil && s.cfg.IsCall(p) {
		p = s.cfg.Protocol
	}
	if p != s.cfg.Protocol {
		s.release()
	}
	return s.StreamManagementScope.SetProtocol(p)
}

func (s stream) Done() {
	s.release()
	s.StreamManagementScope.Done()
}
