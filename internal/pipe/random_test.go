package pipe_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
)

// Under whatever the two ends do, what arrives is a prefix of what was sent. It is the
// whole where it ended in order.
func TestRandomTraffic(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed) // put it in the line above to see a failure again
	t.Run("memory", func(t *testing.T) {
		for round := range uint64(100) {
			synctest.Test(t, func(t *testing.T) {
				randomCall(t, rand.New(rand.NewPCG(seed, round)), memory, func(r *rand.Rand) {
					time.Sleep(time.Duration(r.IntN(1000)) * time.Millisecond) // virtual
				})
			})
		}
	})
	t.Run("unix", func(t *testing.T) {
		for round := range uint64(40) {
			randomCall(t, rand.New(rand.NewPCG(seed, round)), unix, func(r *rand.Rand) {
				for range r.IntN(20) {
					runtime.Gosched()
				}
			})
		}
	})
}

// direction is one way of a random call.
type direction struct {
	sent []byte
	// abortAt and stopAt are where the writer aborts and the reader stops; at -1, they do not.
	abortAt, stopAt int
	got             []byte
	err             error // the reader's
}

func randomDirection(r *rand.Rand) *direction {
	d := &direction{sent: make([]byte, r.IntN(1<<r.IntN(19))), abortAt: -1, stopAt: -1}
	for i := range d.sent {
		d.sent[i] = byte(r.Uint32())
	}
	switch r.IntN(6) {
	case 0:
		d.abortAt = r.IntN(len(d.sent) + 1)
	case 1:
		d.stopAt = r.IntN(len(d.sent) + 1)
	}
	return d
}

func randomCall(t *testing.T, r *rand.Rand, kind transport, stall func(*rand.Rand)) {
	c := join(t, kind, kind)
	forth, back := randomDirection(r), randomDirection(r)
	var all sync.WaitGroup
	for _, way := range []struct {
		*direction
		from, to pipe.Stream
	}{{forth, c.caller, c.cell}, {back, c.cell, c.caller}} {
		writer, reader := rand.New(rand.NewPCG(r.Uint64(), 0)), rand.New(rand.NewPCG(r.Uint64(), 0))
		all.Go(func() { way.write(writer, way.from, stall) })
		all.Go(func() { way.read(reader, way.to, stall) })
	}
	all.Wait()
	report := <-c.ended

	orderly := forth.abortAt < 0 && back.abortAt < 0
	for name, d := range map[string]*direction{"forth": forth, "back": back} {
		if !bytes.HasPrefix(d.sent, d.got) {
			t.Errorf("%s: what arrived is no prefix of what was sent", name)
		}
		// a Unix socket reads a cut as an end
		ended := d.err == io.EOF && (orderly || kind.name != unix.name)
		if ended && (len(d.got) != len(d.sent) || d.abortAt >= 0) {
			t.Errorf("%s: %d bytes of %d arrived, in order", name, len(d.got), len(d.sent))
		}
		if orderly && d.stopAt < 0 && d.err != io.EOF {
			t.Errorf("%s: %v, but nothing was cut", name, d.err)
		}
	}
	if orderly && (report.Err != nil || report.Forth < int64(len(forth.got)) ||
		report.Back < int64(len(back.got))) {
		t.Errorf("report is %+v, %d and %d bytes arrived", report, len(forth.got), len(back.got))
	}
	c.caller.Close()
	c.cell.Close()
}

func (d *direction) write(r *rand.Rand, to pipe.Stream, stall func(*rand.Rand)) {
	for at := 0; at < len(d.sent); {
		next := min(len(d.sent), at+1+r.IntN(1<<r.IntN(18)))
		if d.abortAt >= 0 && next > d.abortAt {
			break
		}
		if r.IntN(4) == 0 {
			stall(r)
		}
		if _, err := to.Write(d.sent[at:next]); err != nil {
			return // stopped or cut by the other end
		}
		at = next
	}
	if d.abortAt >= 0 {
		to.Abort(errors.New("aborted"))
		return
	}
	to.CloseWrite()
}

func (d *direction) read(r *rand.Rand, from pipe.Stream, stall func(*rand.Rand)) {
	buf := make([]byte, 1<<(1+r.IntN(17)))
	for {
		if d.stopAt >= 0 && len(d.got) >= d.stopAt {
			from.CloseRead()
			return
		}
		if r.IntN(4) == 0 {
			stall(r)
		}
		n, err := from.Read(buf[:1+r.IntN(len(buf))])
		if d.got = append(d.got, buf[:n]...); err != nil {
			d.err = err
			return
		}
	}
}
