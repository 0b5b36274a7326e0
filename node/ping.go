package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/peerconn"
	"github.com/cell-mesh/cell/node/tracer"
)

const (
	// pingPause is the time between an answer and the next ping.
	pingPause = 200 * time.Millisecond
	// directWait is how long to wait for a direct connection beside a relayed one before
	// saying why there is none.
	directWait = 15 * time.Second
)

// Ping reaches a peer as a call would and pings it count times with libp2p's own ping, which
// strangers answer, too. It calls tell for each step as it happens, from one goroutine; an
// error of tell ends the ping. at is as for Open. A relayed peer is watched until there is
// a direct connection, or until it is clear why there is none. The error is meant to follow
// the peer's name: it says why the peer was not reached, or that no answer came.
func (n *Node) Ping(ctx context.Context, to address.ID, count int, tell func(trace.Event) error,
	at ...address.Place) error {
	id, targets, err := n.decode(to, at)
	if err != nil {
		return err
	}
	tr := n.tracer.Start(id)
	defer tr.Stop()
	p := &pinger{node: n, trace: tr, id: id, at: targets}
	return n.attend(ctx, tr, tell, func(ctx context.Context) error {
		direct := &network.NotifyBundle{ConnectedF: p.connected}
		n.host.Network().Notify(direct)
		defer n.host.Network().StopNotify(direct)
		return p.ping(ctx, count)
	})
}

// attend runs work and passes the events of its trace to tell, until both have ended.
func (n *Node) attend(ctx context.Context, tr *tracer.Trace, tell func(trace.Event) error,
	work func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.tasks.Context(), cancel)()
	done := make(chan error, 1)
	if !n.tasks.Go(func() { done <- work(ctx) }) {
		return errClosed
	}
	var gone error
	hear := func(e trace.Event) {
		if gone == nil {
			if gone = tell(e); gone != nil {
				cancel()
			}
		}
	}
	for {
		select {
		case e := <-tr.Events():
			hear(e)
		case err := <-done:
			for len(tr.Events()) > 0 {
				hear(<-tr.Events())
			}
			return errors.Join(gone, err)
		}
	}
}

// pinger is one ping under way.
type pinger struct {
	node    *Node
	trace   *tracer.Trace
	id      peer.ID
	at      []*target
	asked   int
	rtts    []time.Duration
	relayed bool // the last answer came through a relay
}

func (p *pinger) ping(ctx context.Context, count int) error {
	if err := p.reach(ctx); err != nil {
		return err
	}
	for range count {
		if p.asked > 0 {
			if err := pause(ctx, pingPause); err != nil {
				return err
			}
		}
		if err := p.ask(ctx); err != nil {
			return err
		}
	}
	if err := p.settle(ctx); err != nil {
		return err
	}
	sum := p.sum()
	if sum.Answered == 0 {
		return errors.New("is connected but does not answer")
	}
	p.trace.Emit(trace.Event{Kind: trace.End, Sum: &sum})
	return nil
}

// reach connects to the peer, if there is no connection yet, and tells how.
func (p *pinger) reach(ctx context.Context) error {
	if conn := p.node.conns.Best(p.id); conn != nil {
		p.trace.Emit(trace.Event{Kind: trace.Found, Source: trace.Here,
			Addresses: []string{conn.RemoteMultiaddr().String()},
			Seen:      []time.Time{conn.Stat().Opened}})
	}
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	conn, _, err := p.node.connect(ctx, p.id, p.at)
	if err != nil {
		return err
	}
	p.node.finder.Reached(conn, time.Time{})
	p.trace.Emit(p.node.route(trace.Connected, conn))
	return nil
}

// ask pings once, over the best connection. A dead one is closed, so that the next ping uses
// another.
func (p *pinger) ask(ctx context.Context) error {
	conn := p.node.conns.Best(p.id)
	if conn == nil {
		if err := p.reach(ctx); err != nil {
			return err
		}
		conn = p.node.conns.Best(p.id)
	}
	p.asked++
	if conn == nil {
		p.trace.Emit(trace.Event{Kind: trace.Lost, Reason: "the connection did not last"})
		return nil
	}
	c := p.node.conns.Of(conn)
	limit, cancel := context.WithTimeout(ctx, peerconn.PingWait)
	defer cancel()
	rtt, err := c.Ping(limit)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e := p.node.route(trace.Lost, conn)
		e.Reason = fmt.Sprintf("no answer in %v", peerconn.PingWait)
		if limit.Err() == nil {
			e.Reason = peerconn.Cut(err).Error()
		}
		p.trace.Emit(e)
		conn.Close()
		p.node.conns.LeaveRelayed(p.id)
		return nil
	}
	c.Hear()
	p.rtts, p.relayed = append(p.rtts, rtt), peerconn.Detour(conn) > 0
	e := p.node.route(trace.Answer, conn)
	e.Address, e.RTT = "", trace.MS(rtt)
	p.trace.Emit(e)
	return nil
}

// settle waits for a direct connection while there is hope of one, if the last answer was
// relayed. It pings once more over that, or tells why there is none.
func (p *pinger) settle(ctx context.Context) error {
	hope, cancel := context.WithTimeout(ctx, directWait)
	defer cancel()
	for p.relayed {
		best := p.node.conns.Best(p.id)
		switch {
		case best == nil, peerconn.Detour(best) == 0:
			return p.ask(ctx)
		case p.node.punches.Since(p.id, best.Stat().Opened).Over(best.Stat().Opened) ||
			hope.Err() != nil:
			for _, reason := range p.node.whyRelayed(best) {
				p.trace.Emit(trace.Event{Kind: trace.Relayed, Reason: reason})
			}
			return ctx.Err()
		}
		if pause(hope, pingPause) != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// connected is called by the host for each new connection.
func (p *pinger) connected(_ network.Network, conn network.Conn) {
	if conn.RemotePeer() != p.id || peerconn.Detour(conn) > 0 {
		return
	}
	for _, other := range p.node.swarm.ConnsToPeer(p.id) {
		if peerconn.Detour(other) > 0 {
			p.trace.Emit(p.node.route(trace.Direct, conn))
			return
		}
	}
}

func (p *pinger) sum() trace.Sum {
	s := trace.Sum{Asked: p.asked, Answered: len(p.rtts)}
	if sorted := slices.Sorted(slices.Values(p.rtts)); len(sorted) > 0 {
		last := len(sorted) - 1
		s.Min, s.Max = trace.MS(sorted[0]), trace.MS(sorted[last])
		s.Median = trace.MS(sorted[last/2])
	}
	return s
}

// route returns an event that describes the way of a connection.
func (n *Node) route(kind trace.Kind, conn network.Conn) trace.Event {
	at := conn.RemoteMultiaddr()
	e := trace.Event{Kind: kind, Address: at.String(), Route: maddrs.Route(at)}
	if kind == trace.Connected {
		e.Reason = n.ranker.Why(at)
	}
	if relay := maddrs.RelayOf(at); relay != "" {
		e.Relay = relay.String()
	}
	return e
}

// pause waits for d, or returns the error of ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
