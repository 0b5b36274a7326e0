package node

import (
	"context"
	"crypto/rand"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multistream"

	"github.com/cell-mesh/cell/node/maddrs"
)

// A link is a connection that has carried calls. A machine that is switched off says
// nothing, and QUIC would take half a minute to notice, TCP a quarter of an hour: so as
// long as a connection carries a call it is asked for a sign of life, and closed when
// there is none. Without calls nothing is sent and no machine is woken.
type link struct {
	conn network.Conn
	node *Node
	gone chan struct{} // closed when the connection is

	mu   sync.Mutex
	open int                // calls on it
	stop context.CancelFunc // ends the watch; nil if there is none

	called  atomic.Bool  // by us: it has carried a call, or is to
	leaving atomic.Bool  // relayed, and to be left after its calls
	asking  atomic.Int32 // calls of ours that have not been answered
	heard   atomic.Int64 // when something came from the other end, in ns since 1970
	sent    atomic.Int64 // bytes that the connection took from us
	rtt     atomic.Int64 // what the last ping found, in ns, or measuring
}

const (
	pingEvery = 3 * time.Second
	pingWait  = 5 * time.Second
	// trustFor is how long after a sign of life a connection is taken to be alive. A
	// router that restarts or gets another address cuts connections at any moment, and a
	// call that believes in one hangs until a ping fails.
	trustFor = time.Second
	// goneWait is how much later than its streams a connection may hear of its end.
	goneWait = 100 * time.Millisecond
	// pingBehind is the wait while the connection goes on taking bytes from us: the ping
	// may queue behind them.
	pingBehind = 30 * time.Second
)

// linkOf returns the link of a connection, the same one as long as the connection lives.
func (n *Node) linkOf(conn network.Conn) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.links[conn]
	if l == nil {
		l = &link{conn: conn, node: n, gone: make(chan struct{})}
		if !conn.IsClosed() { // else nobody would tell us to forget it
			n.links[conn] = l
		}
	}
	return l
}

// forget is called by the host when a connection is gone.
func (n *Node) forget(_ network.Network, conn network.Conn) {
	n.mu.Lock()
	l := n.links[conn]
	delete(n.links, conn)
	n.mu.Unlock()
	if l != nil {
		close(l.gone)
	}
	if l != nil && l.called.Load() && l.heard.Load() > 0 {
		n.finder.Seen(conn.RemotePeer(), time.Unix(0, l.heard.Load()))
	}
	if len(n.swarm.ConnsToPeer(conn.RemotePeer())) == 0 {
		n.strangers.forget(conn.RemotePeer())
	}
	if maddrs.RelayOf(conn.RemoteMultiaddr()) == "" {
		n.tasks.Go(func() { n.leaveRelays(conn.RemotePeer()) })
	}
}

// leaveRelays closes relayed connections to a peer, if there is no direct one: those that
// carry no call now, and the others when they carry none any more. A hole is punched when
// a relayed connection begins, and at no other time: one that was left over when the
// direct one died would keep us on the relay for good.
func (n *Node) leaveRelays(id peer.ID) {
	if best := n.connection(id); best == nil || detour(best) == 0 {
		return
	}
	for _, conn := range n.swarm.ConnsToPeer(id) {
		if detour(conn) == 0 {
			continue
		}
		l := n.linkOf(conn)
		if l.leaving.Store(true); l.calls() == 0 {
			conn.Close()
		}
	}
}

// isGone says whether the connection is closed, when a stream on it has failed: streams
// may hear of it first.
func (l *link) isGone() bool {
	if l.conn.IsClosed() {
		return true
	}
	select {
	case <-l.gone:
	case <-time.After(goneWait):
	}
	return l.conn.IsClosed()
}

// acquire counts a call on the link, and begins to watch it with the first.
func (l *link) acquire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	if l.open > 1 {
		return
	}
	ctx, stop := context.WithCancel(l.node.tasks.Context())
	l.stop = stop
	l.node.tasks.Go(func() { l.watch(ctx) })
	l.node.host.ConnManager().Protect(l.conn.RemotePeer(), l.conn.ID())
}

func (l *link) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.open > 0 {
		return
	}
	l.stop()
	l.node.host.ConnManager().Unprotect(l.conn.RemotePeer(), l.conn.ID())
	if l.leaving.Load() {
		l.node.tasks.Go(func() { l.node.leaveRelays(l.conn.RemotePeer()) })
	}
}

func (l *link) calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// hear notes a sign of life.
func (l *link) hear() { l.heard.Store(time.Now().UnixNano()) }

// heardLately says whether the connection can be trusted to be alive.
func (l *link) heardLately() bool { return time.Since(time.Unix(0, l.heard.Load())) < trustFor }

// watch pings until ctx ends, or until it closes the connection, which cuts every call on it.
func (l *link) watch(ctx context.Context) {
	next := time.NewTimer(pingEvery)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if l.conn.IsClosed() {
			return
		}
		if !l.alive(ctx) {
			l.node.log.Info("peer is silent", "peer", l.conn.RemotePeer(), "address",
				l.conn.RemoteMultiaddr())
			l.conn.Close()
			return
		}
		next.Reset(pingEvery)
	}
}

// alive pings once. Only silence is death: a ping that could not be sent or was refused
// proves nothing.
func (l *link) alive(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	answered := make(chan struct{})
	asking.Go(func() {
		defer close(answered)
		if l.ping(ctx) == nil {
			l.hear()
		}
	})
	defer asking.Wait()
	defer cancel()

	for began := time.Now(); ; {
		heard, sent := l.heard.Load(), l.sent.Load()
		select {
		case <-answered:
			return true
		case <-ctx.Done():
			return true
		case <-time.After(pingWait):
		}
		behind := l.sent.Load() != sent && time.Since(began) < pingBehind
		if l.heard.Load() == heard && !behind {
			return false
		}
	}
}

// ping asks on this very connection for one answer. Each has a stream of its own: the
// other end closes one that is used for longer than 30 s.
func (l *link) ping(ctx context.Context) error {
	opening, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "ping"), pingEvery)
	defer cancel()
	s, err := l.conn.NewStream(opening)
	if err != nil {
		return err
	}
	defer s.Reset()
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	if err := s.SetProtocol(ping.ID); err != nil {
		return err
	}
	data := make([]byte, ping.PingSize)
	rand.Read(data)
	lazy := multistream.NewMSSelect(s, ping.ID)
	began := time.Now()
	if _, err := lazy.Write(data); err != nil {
		return err
	}
	// the connection is authenticated: whatever comes back is a sign of life
	if _, err = io.ReadFull(lazy, data); err == nil {
		l.rtt.Store(int64(time.Since(began)))
	}
	return err
}
