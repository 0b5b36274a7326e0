package limits

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/test"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node/internal/nettest"
	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	callProtocol protocol.ID = "/test/call"
	rawProtocol  protocol.ID = "/test/raw" // counts as a call, and so does what begins like it
)

func isRaw(p protocol.ID) bool { return strings.HasPrefix(string(p), string(rawProtocol)) }

// startEcho makes a host with limits that echoes both kinds of calls.
func startEcho(t *testing.T, friends func() []address.ID) (host.Host, *Manager) {
	t.Helper()
	var h host.Host
	m := newManager(t, Config{
		IsCall:     isRaw,
		Friends:    friends,
		Disconnect: func(id peer.ID) { go h.Network().ClosePeer(id) },
	})
	h = nettest.Host(t, libp2p.ResourceManager(m))
	h.Network().Notify(&network.NotifyBundle{DisconnectedF: func(n network.Network,
		conn network.Conn) {
		if len(n.ConnsToPeer(conn.RemotePeer())) == 0 {
			m.Disconnected(conn.RemotePeer())
		}
	}})
	for _, p := range []protocol.ID{callProtocol, rawProtocol} {
		h.SetStreamHandler(p, func(s network.Stream) {
			io.Copy(s, s)
			s.Close()
		})
	}
	return h, m
}

// startCaller makes a host that is connected to another one over a transport.
func startCaller(t *testing.T, to host.Host, transport string) host.Host {
	t.Helper()
	h := nettest.Host(t)
	info := peer.AddrInfo{ID: to.ID(), Addrs: []ma.Multiaddr{nettest.Addr(t, to, transport)}}
	if err := h.Connect(nettest.Context(t), info); err != nil {
		t.Fatal(err)
	}
	return h
}

func overEach(t *testing.T, test func(t *testing.T, transport string)) {
	for _, transport := range []string{maddrs.QUIC, maddrs.TCP} {
		t.Run(transport, func(t *testing.T) { test(t, transport) })
	}
}

// A stranger may have a few dozen calls over all protocols, whatever the transport. That
// does not count against others. A peer has more room from the moment it is trusted.
func TestStrangersHoldFewCalls(t *testing.T) {
	overEach(t, func(t *testing.T, transport string) {
		var friends atomic.Pointer[[]address.ID]
		friends.Store(new([]address.ID))
		h, _ := startEcho(t, func() []address.ID { return *friends.Load() })
		one, other := startCaller(t, h, transport), startCaller(t, h, transport)

		held := []network.Stream{mustCall(t, one, h), mustCall(t, one, h)}
		for range strangerCalls - 2 {
			mustCall(t, one, h)
		}
		for range 3 {
			wantRefused(t, one, h)
		}
		mustCall(t, other, h)
		for _, s := range held {
			s.CloseWrite()
			if _, err := io.ReadAll(s); err != nil {
				t.Error(err)
			}
			// the caller hears of the end before it is counted
			nettest.Eventually(t, "a call in the place of one that is over", func() bool {
				_, err := tryCall(t, one, h)
				return err == nil
			})
		}
		wantRefused(t, one, h)

		id, err := address.ParseID(one.ID().String())
		if err != nil {
			t.Fatal(err)
		}
		friends.Store(&[]address.ID{id})
		for range 2 * strangerCalls {
			mustCall(t, one, h)
		}
	})
}

// mustCall opens a stream that is answered, every second one with the raw protocol.
func mustCall(t *testing.T, from, to host.Host) network.Stream {
	t.Helper()
	s, err := tryCall(t, from, to)
	if err != nil {
		t.Fatalf("call: %v", err)
	}
	return s
}

func wantRefused(t *testing.T, from, to host.Host) {
	t.Helper()
	_, err := tryCall(t, from, to)
	reset, ok := errors.AsType[*network.StreamError](err)
	if !ok || reset.ErrorCode != network.StreamResourceLimitExceeded {
		t.Fatalf("one call too many: %v", err)
	}
}

var turn atomic.Int32

func tryCall(t *testing.T, from, to host.Host) (network.Stream, error) {
	p := rawProtocol
	if turn.Add(1)%2 == 0 {
		p = callProtocol
	}
	s, err := from.NewStream(nettest.Context(t), to.ID(), p)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { s.Reset() })
	if _, err := s.Write([]byte("x")); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(s, make([]byte, 1))
	return s, err
}

// A friend may have MaxCalls streams, whether they have one protocol or as many.
func TestFriendsHoldMaxCalls(t *testing.T) {
	for name, format := range map[string]string{
		"one protocol":   string(rawProtocol) + "%.0d",
		"many protocols": string(rawProtocol) + "/%d",
	} {
		t.Run(name, func(t *testing.T) {
			friend, err := test.RandPeerID()
			if err != nil {
				t.Fatal(err)
			}
			id, err := address.ParseID(friend.String())
			if err != nil {
				t.Fatal(err)
			}
			m := newManager(t, Config{IsCall: isRaw,
				Friends: func() []address.ID { return []address.ID{id} }})
			open := func(p protocol.ID) error {
				s, err := m.OpenStream(friend, network.DirInbound)
				if err != nil {
					return err
				}
				t.Cleanup(s.Done)
				return s.SetProtocol(p)
			}
			for i := range MaxCalls {
				if err := open(protocol.ID(fmt.Sprintf(format, i))); err != nil {
					t.Fatalf("stream %d: %v", i, err)
				}
			}
			for _, p := range []protocol.ID{rawProtocol + "/last", callProtocol} {
				if err := open(p); !errors.Is(err, network.ErrResourceLimitExceeded) {
					t.Errorf("one %s too many: %v", p, err)
				}
			}
		})
	}
}

// A stranger that goes on after many refusals is disconnected.
func TestStrangersAreDisconnected(t *testing.T) {
	overEach(t, func(t *testing.T, transport string) {
		h, _ := startEcho(t, nil)
		conn := startCaller(t, h, transport).Network().ConnsToPeer(h.ID())[0]
		tries := 0
		for ; !conn.IsClosed() && tries < 2*strangerRefusals; tries++ {
			s, err := conn.NewStream(nettest.Context(t))
			if err != nil {
				continue
			}
			io.WriteString(s, "\x13") // where a negotiation begins
			if tries > strangerCalls {
				io.ReadAll(s) // until the reset
				s.Reset()
			}
		}
		if tries < strangerRefusals || !conn.IsClosed() {
			t.Errorf("after %d streams, the connection is closed: %v", tries, conn.IsClosed())
		}
	})
}

// A peer without connections is forgotten.
func TestStrangersAreForgotten(t *testing.T) {
	h, m := startEcho(t, nil)
	caller := startCaller(t, h, maddrs.TCP)
	mustCall(t, caller, h)
	caller.Close()
	nettest.Eventually(t, "the peer is forgotten", func() bool {
		m.strangers.mu.Lock()
		defer m.strangers.mu.Unlock()
		return len(m.strangers.peers) == 0
	})
}
