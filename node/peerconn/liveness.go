package peerconn

import (
	"context"
	"crypto/rand"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multistream"
)

// Conn is a connection that carries calls. A machine that is switched off says nothing.
// QUIC would take half a minute to notice and TCP a quarter of an hour. So a connection is
// pinged as long as it carries a call, and closed when no answer comes. Without calls
// nothing is sent, and no machine is woken up.
type Conn struct {
	conn network.Conn
	set  *Set
	gone chan struct{} // closed when the connection is

	mu   sync.Mutex
	open int                // calls on it
	stop context.CancelFunc // ends the pings; nil if there are none

	called  atomic.Bool  // we have begun a call on it
	leaving atomic.Bool  // relayed, and to be closed after its calls
	asking  atomic.Int32 // calls of ours that the peer has not answered yet
	heard   atomic.Int64 // when the peer last sent something, in ns since 1970
	sent    atomic.Int64 // bytes that the connection took from us
	rtt     atomic.Int64 // result of the last ping in ns, or measuring
}

const (
	pingEvery = 3 * time.Second
	// PingWait is how long a ping waits for its answer.
	PingWait = 5 * time.Second
	// trustFor is how long after the last sign of life a connection counts as alive. A
	// router that restarts or changes its address cuts connections at any moment, and a
	// call on a dead one hangs until a ping fails.
	trustFor = time.Second
	// goneWait is how much later than its streams a connection may notice its end.
	goneWait = 100 * time.Millisecond
	// pingBehind replaces PingWait while the connection takes bytes from us: the ping may
	// be queued behind them.
	pingBehind = 30 * time.Second
)

// isGone reports whether the connection is closed, after a stream on it has failed. Streams
// may notice first.
func (c *Conn) isGone() bool {
	if c.conn.IsClosed() {
		return true
	}
	select {
	case <-c.gone:
	case <-time.After(goneWait):
	}
	return c.conn.IsClosed()
}

// acquire counts a call. The first one starts the pings.
func (c *Conn) acquire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	if c.open > 1 {
		return
	}
	ctx, stop := context.WithCancel(c.set.tasks.Context())
	c.stop = stop
	c.set.tasks.Go(func() { c.watch(ctx) })
	c.set.host.ConnManager().Protect(c.conn.RemotePeer(), c.conn.ID())
}

func (c *Conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if c.open > 0 {
		return
	}
	c.stop()
	c.set.host.ConnManager().Unprotect(c.conn.RemotePeer(), c.conn.ID())
	if c.leaving.Load() {
		c.set.tasks.Go(func() { c.set.LeaveRelayed(c.conn.RemotePeer()) })
	}
}

func (c *Conn) calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// Hear notes a sign of life.
func (c *Conn) Hear() { c.heard.Store(time.Now().UnixNano()) }

// Heard returns when the last sign of life came, or the zero Time if none has.
func (c *Conn) Heard() time.Time {
	if ns := c.heard.Load(); ns > 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// HeardLately reports whether a sign of life is recent enough to trust the connection.
func (c *Conn) HeardLately() bool { return time.Since(c.Heard()) < trustFor }

// watch pings until ctx ends, or until it closes the connection, which cuts all its calls.
func (c *Conn) watch(ctx context.Context) {
	next := time.NewTimer(pingEvery)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if c.conn.IsClosed() {
			return
		}
		if !c.alive(ctx) {
			c.set.log.Info("peer is silent", "peer", c.conn.RemotePeer(), "address",
				c.conn.RemoteMultiaddr())
			c.conn.Close()
			return
		}
		next.Reset(pingEvery)
	}
}

// alive pings once. Only silence counts as dead: a ping that could not be sent or that was
// refused proves nothing.
func (c *Conn) alive(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	answered := make(chan struct{})
	asking.Go(func() {
		defer close(answered)
		if _, err := c.Ping(ctx); err == nil {
			c.Hear()
		}
	})
	defer asking.Wait()
	defer cancel()

	for began := time.Now(); ; {
		heard, sent := c.heard.Load(), c.sent.Load()
		select {
		case <-answered:
			return true
		case <-ctx.Done():
			return true
		case <-time.After(PingWait):
		}
		behind := c.sent.Load() != sent && time.Since(began) < pingBehind
		if c.heard.Load() == heard && !behind {
			return false
		}
	}
}

// Ping sends one ping on this very connection and returns the time until its answer. Each
// ping has its own stream, since the peer closes one that is used for more than 30 s.
func (c *Conn) Ping(ctx context.Context) (time.Duration, error) {
	opening, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "ping"), pingEvery)
	defer cancel()
	s, err := c.conn.NewStream(opening)
	if err != nil {
		return 0, err
	}
	defer s.Reset()
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	if err := s.SetProtocol(ping.ID); err != nil {
		return 0, err
	}
	data := make([]byte, ping.PingSize)
	rand.Read(data)
	lazy := multistream.NewMSSelect(s, ping.ID)
	began := time.Now()
	if _, err := lazy.Write(data); err != nil {
		return 0, err
	}
	// The connection is authenticated, so whatever comes back is a sign of life.
	if _, err := io.ReadFull(lazy, data); err != nil {
		return 0, err
	}
	rtt := time.Since(began)
	c.rtt.Store(int64(rtt))
	return rtt, nil
}
