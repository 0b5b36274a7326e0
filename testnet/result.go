package testnet

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
)

// Result is what came of a call. Durations are from its beginning, and 0 for what was not reached.
type Result struct {
	From    *Node
	To      *Node  // nil if the address is no node's of the net
	Address string // as it was called
	Began   time.Time
	Err     error
	Route   string // as of Conn.Route
	// until there was a stream to the other stem: finding, dialling, handshake
	Reached   time.Duration
	Granted   time.Duration // until the verdict
	FirstByte time.Duration // of the answer
	Took      time.Duration // in all
	Bytes     int           // of the answer
	Lookup    *Lookup       // that the call needed; nil if it needed none
}

// maxAnswer bounds what Ask reads.
const maxAnswer = 64 << 20

func (n *Node) call(ctx context.Context, addr, text string) (r Result, answer string) {
	r = Result{From: n, To: n.net.callee(addr), Address: addr, Began: time.Now()}
	defer func() {
		r.Took = time.Since(r.Began)
		r.Lookup = n.net.lookup(r)
	}()
	c, err := n.Dial(ctx, addr)
	if err != nil {
		r.Err = err
		return r, ""
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Abort(ctx.Err()) })()
	r.Route, r.Granted = c.route, c.granted.Sub(r.Began)
	if !c.reached.IsZero() {
		r.Reached = c.reached.Sub(r.Began)
	}
	sent := make(chan error, 1)
	go func() { // ends with the stream, which is closed below
		_, err := io.WriteString(c, text)
		sent <- errors.Join(err, c.CloseWrite())
	}()
	var all strings.Builder
	first := firstByte{c, &r}
	_, err = io.Copy(&all, io.LimitReader(first, maxAnswer))
	r.Bytes = all.Len()
	if err != nil {
		c.Abort(err)
	}
	if serr := <-sent; err == nil && !errors.Is(serr, pipe.ErrStopped) {
		err = serr
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	r.Err = err
	return r, all.String()
}

// firstByte notes when there was one.
type firstByte struct {
	from io.Reader
	r    *Result
}

func (f firstByte) Read(b []byte) (int, error) {
	n, err := f.from.Read(b)
	if n > 0 && f.r.FirstByte == 0 {
		f.r.FirstByte = time.Since(f.r.Began)
	}
	return n, err
}

// callee is the node that an address means, or nil.
func (n *Net) callee(addr string) *Node {
	to, err := address.Parse(n.spell(addr))
	if err != nil {
		return nil
	}
	id, _ := to.Peer.ID()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ids[id]
}

// lookup is the last search that the caller has begun for the callee since the call began.
func (n *Net) lookup(r Result) *Lookup {
	if r.To == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := len(n.lookups) - 1; i >= 0; i-- {
		l := n.lookups[i]
		if l.Began.Add(l.Took).Before(r.Began) {
			return nil
		}
		if l.From == r.From && l.To == r.To.ID() && !l.Began.Before(r.Began) {
			return &l
		}
	}
	return nil
}
