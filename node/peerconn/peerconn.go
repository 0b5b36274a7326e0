// Package peerconn looks after the connections of a host and carries calls on them.
//
//	conns := peerconn.New(peerconn.Config{Host: h, Tasks: group, Seen: finder.Seen, Log: log})
//	conn := conns.Best(id)              // a direct connection if there is one
//	s, err := conns.Of(conn).Open(ctx)  // a pipe.Stream
//
// It promises three things. An orderly end of a stream arrives as io.EOF and a cut never
// does, over QUIC as over TCP. A connection that carries a call is pinged and is closed
// within about ten seconds if the peer has vanished. A relayed connection does not outlive
// its use, so that the next call gets a new chance of a hole punch.
//
// Making connections is left to package node, and so is deciding who may call.
package peerconn

import (
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/node/maddrs"
)

// Config says whose connections to look after. Host and Tasks must be set.
type Config struct {
	Host host.Host
	// Tasks runs the goroutines of this package.
	Tasks *tasks.Group
	// Seen is told when a peer that we have called was last heard, once the connection to
	// it is gone. It must not block. If nil, nobody is told.
	Seen func(id peer.ID, at time.Time)
	// Log is told of peers that have gone silent. If nil, nobody is told.
	Log *slog.Logger
}

// Set is the connections of one host. Its methods may be called at any time, from any
// goroutine.
type Set struct {
	host  host.Host
	tasks *tasks.Group
	seen  func(peer.ID, time.Time)
	log   *slog.Logger

	mu    sync.Mutex
	conns map[network.Conn]*Conn
}

// New returns the connections of a host, from now on.
func New(cfg Config) *Set {
	if cfg.Seen == nil {
		cfg.Seen = func(peer.ID, time.Time) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Set{host: cfg.Host, tasks: cfg.Tasks, seen: cfg.Seen, log: cfg.Log,
		conns: map[network.Conn]*Conn{}}
	cfg.Host.Network().Notify(&network.NotifyBundle{ConnectedF: s.connected,
		DisconnectedF: s.disconnected})
	return s
}

// Of returns the Conn of a connection. It is the same one as long as the connection lives.
func (s *Set) Of(conn network.Conn) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conns[conn]
	if c == nil {
		c = &Conn{conn: conn, set: s, gone: make(chan struct{})}
		if !conn.IsClosed() { // otherwise disconnected is never called and it would stay here
			s.conns[conn] = c
		}
	}
	return c
}

// Calls returns how many calls a connection carries.
func (s *Set) Calls(conn network.Conn) int {
	s.mu.Lock()
	c := s.conns[conn]
	s.mu.Unlock()
	if c == nil {
		return 0
	}
	return c.calls()
}

// Best returns the best connection to a peer: a direct one if possible, otherwise one that
// the relay does not limit. It is nil if there is none.
func (s *Set) Best(id peer.ID) network.Conn {
	var best network.Conn
	for _, conn := range s.host.Network().ConnsToPeer(id) {
		if !conn.IsClosed() && (best == nil || Detour(conn) < Detour(best)) {
			best = conn
		}
	}
	return best
}

// Detour is 0 for a direct connection, 1 for a relayed one, and 2 for a relayed one that
// the relay cuts after a while.
func Detour(conn network.Conn) int {
	switch {
	case conn.Stat().Limited:
		return 2
	case maddrs.Transport(conn.RemoteMultiaddr()) == maddrs.Relay:
		return 1
	}
	return 0
}

// connected is called by the host. A peer that connects to us while we have a direct
// connection to it may have lost that one. As long as we believe in the old connection we
// punch no hole for a new one, and calls that we relay to the peer get lost. So check.
func (s *Set) connected(_ network.Network, conn network.Conn) {
	if conn.Stat().Direction != network.DirInbound {
		return
	}
	for _, other := range s.host.Network().ConnsToPeer(conn.RemotePeer()) {
		// one that carries calls is pinged anyway, with more patience
		if other != conn && Detour(other) == 0 && s.Calls(other) == 0 {
			s.tasks.Go(func() { s.Probe(other) })
		}
	}
}

// disconnected is called by the host.
func (s *Set) disconnected(_ network.Network, conn network.Conn) {
	s.mu.Lock()
	c := s.conns[conn]
	delete(s.conns, conn)
	s.mu.Unlock()
	if c != nil {
		close(c.gone)
		if at := c.Heard(); c.called.Load() && !at.IsZero() {
			s.seen(conn.RemotePeer(), at)
		}
	}
	if maddrs.RelayOf(conn.RemoteMultiaddr()) == "" {
		s.tasks.Go(func() { s.LeaveRelayed(conn.RemotePeer()) })
	}
}

// LeaveRelayed closes the relayed connections to a peer, unless there is a direct one:
// those without calls now, the others after their last call. A hole is punched only when a
// relayed connection begins, so one that outlived the direct connection would keep us on
// the relay for good.
func (s *Set) LeaveRelayed(id peer.ID) {
	if best := s.Best(id); best == nil || Detour(best) == 0 {
		return
	}
	for _, conn := range s.host.Network().ConnsToPeer(id) {
		if Detour(conn) == 0 {
			continue
		}
		c := s.Of(conn)
		if c.leaving.Store(true); c.calls() == 0 {
			conn.Close()
		}
	}
}
