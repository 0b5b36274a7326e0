package pipe_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// A cut in the middle reaches the other end as a cut, whatever was under way there, and
// never as an orderly end: half a file must not pass for a whole one.
func TestResetIsNeverAnEnd(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, cut, other pipe.Stream){
		"at once": func(*testing.T, pipe.Stream, pipe.Stream) {},
		"after some text": func(t *testing.T, cut, other pipe.Stream) {
			write(t, cut, "half")
			wantNext(t, other, "half")
		},
		"text unread": func(t *testing.T, cut, other pipe.Stream) { write(t, cut, "half") },
		"the other has ended": func(t *testing.T, cut, other pipe.Stream) {
			closeWrite(t, other)
			wantAll(t, cut, "")
		},
		"the other takes no more": func(t *testing.T, cut, other pipe.Stream) {
			if err := other.CloseRead(); err != nil {
				t.Error(err)
			}
		},
		"the other's writer waits": func(t *testing.T, cut, other pipe.Stream) {
			go flood(other)
			synctest.Wait()
		},
		"its own writer waits": func(t *testing.T, cut, other pipe.Stream) {
			go flood(cut)
			synctest.Wait()
		},
	} {
		for _, side := range []string{"caller", "cell"} {
			t.Run(side+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := join(t, memory, memory)
					cut, other := c.caller, c.cell
					if side == "cell" {
						cut, other = c.cell, c.caller
					}
					prepare(t, cut, other)
					cut.Abort(errors.New("gone"))
					if name != "the other takes no more" {
						if _, err := io.ReadAll(other); !errors.Is(err, pipetest.ErrReset) {
							t.Errorf("the other reads %v, want ErrReset", err)
						}
					}
					if got := <-c.ended; !errors.Is(got.Err, pipetest.ErrReset) {
						t.Errorf("report is %+v, want ErrReset", got)
					}
					if _, err := other.Write([]byte("x")); err == nil {
						t.Error("the other can still write")
					}
				})
			})
		}
	}
}

// The one cut that comes too late is one behind an orderly end: what ended, ended.
func TestResetBehindAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := join(t, memory, memory)
		write(t, c.cell, "answer")
		closeWrite(t, c.cell)
		wantAll(t, c.caller, "answer")
		c.cell.Abort(errors.New("gone"))
		if err := flood(c.caller); !errors.Is(err, pipetest.ErrReset) {
			t.Errorf("the caller writes until %v", err)
		}
		if got := <-c.ended; !errors.Is(got.Err, pipetest.ErrReset) || got.Back != 6 {
			t.Errorf("report is %+v", got)
		}
	})
}

// A stem that stops, or a cell's time that is up, ends both sides at once, and each is told why.
func TestContextAbortsBoth(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, c *call){
		"idle":     func(*testing.T, *call) {},
		"flooded":  func(t *testing.T, c *call) { go flood(c.caller); go flood(c.cell) },
		"one way":  func(t *testing.T, c *call) { closeWrite(t, c.caller); wantAll(t, c.cell, "") },
		"at start": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stopping := errors.New("the stem is stopping")
				a, b := &listens{}, &listens{}
				caller, cell := pipe.Stream(nil), pipe.Stream(nil)
				caller, a.Stream = pipetest.New()
				cell, b.Stream = pipetest.New()
				ctx, cancel := context.WithCancelCause(t.Context())
				c := &call{caller, cell, cancel, make(chan pipe.Report, 1)}
				if prepare == nil {
					cancel(stopping)
				}
				go func() { c.ended <- pipe.Join(ctx, a, b) }()
				if prepare != nil {
					prepare(t, c)
					synctest.Wait()
					cancel(stopping)
				}
				if got := <-c.ended; got.Err != stopping {
					t.Errorf("report is %+v", got)
				}
				if a.reason != stopping || b.reason != stopping || a.closed || b.closed {
					t.Errorf("the streams were told %v and %v", a, b)
				}
				for _, end := range []pipe.Stream{caller, cell} {
					if _, err := end.Write([]byte("x")); err == nil {
						t.Error("an end can still write")
					}
				}
			})
		})
	}
}

// listens keeps what a Join did to its stream.
type listens struct {
	pipe.Stream
	reason error
	closed bool
}

func (l *listens) Abort(reason error) { l.reason = reason; l.Stream.Abort(reason) }
func (l *listens) Close() error       { l.closed = true; return l.Stream.Close() }

// A context that ends after the call has ended changes nothing.
func TestContextEndsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := join(t, memory, memory)
		closeWrite(t, c.caller)
		closeWrite(t, c.cell)
		c.wantEnd(t, 0, 0)
		c.cancel(errors.New("late"))
		synctest.Wait()
		wantAll(t, c.caller, "")
		wantAll(t, c.cell, "")
	})
}

// An hour without a byte is no reason to end a call.
func TestIdleForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := join(t, memory, memory)
		write(t, c.caller, "before")
		wantNext(t, c.cell, "before")
		time.Sleep(time.Hour) // virtual
		write(t, c.caller, "after")
		wantNext(t, c.cell, "after")
		closeWrite(t, c.caller)
		closeWrite(t, c.cell)
		c.wantEnd(t, 11, 0)
	})
}
