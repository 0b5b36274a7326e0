package testnet

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
)

// Result is the result of a call and its measurements. Durations count from its beginning;
// 0 means not reached.
type Result struct {
	From    *Node
	To      *Node  // nil if the address is not that of a node in the net
	Address string // as passed to Call
	Err     error
	Route   string // as Conn.Route

	Began time.Time
	// Reached is when a stream to the other stem was open: found, dialled, handshake done.
	Reached   time.Duration
	Granted   time.Duration // the other stem accepted the call
	FirstByte time.Duration // of the answer
	Took      time.Duration // in total

	Bytes  int     // in the answer
	Lookup *Lookup // the search that the call needed, if any
}

// maxAnswer is how much of an answer Ask reads.
const maxAnswer = 64 << 20

// Ask calls a cell, sends the text, closes its side and returns the whole answer. ctx covers
// all of it.
func (n *Node) Ask(ctx context.Context, addr, text string) (string, error) {
	r, answer := n.call(ctx, addr, text)
	return answer, r.Err
}

// Call does what Ask does, and measures it.
func (n *Node) Call(ctx context.Context, addr, text string) Result {
	r, _ := n.call(ctx, addr, text)
	return r
}

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

// firstByte records when the first byte was read.
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

// callee returns the node in an address, or nil.
func (n *Net) callee(addr string) *Node {
	to, err := n.parse(addr)
	if err != nil {
		return nil
	}
	id, _ := to.Peer.ID()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ids[id]
}

// lookup returns the last search for the callee that the caller began during the call.
func (n *Net) lookup(r Result) *Lookup {
	if r.To == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range slices.Backward(n.lookups) {
		if l.Began.Add(l.Took).Before(r.Began) {
			return nil
		}
		if l.From == r.From && l.To == r.To.ID() && !l.Began.Before(r.Began) {
			return &l
		}
	}
	return nil
}
