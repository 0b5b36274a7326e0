package pipe_test

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// A cell may answer without having read all of its input, and close. Its answer is
// delivered whole and ends in order, and the caller learns that no more is wanted. (TCP
// can't do that: the kernel resets the connection, and the answer with it.)
func TestCellClosesWithInputUnread(t *testing.T) {
	answer := strings.Repeat("answer", 20_000)
	overRoutesButTo(t, tcp, func(t *testing.T, c *call) {
		stopped := make(chan error)
		go func() { stopped <- flood(c.caller) }()
		wantNext(t, c.cell, "flood")
		var answered sync.WaitGroup
		answered.Go(func() {
			write(t, c.cell, answer)
			c.cell.Close()
		})
		wantAll(t, c.caller, answer)
		answered.Wait()
		if err := <-stopped; !errors.Is(err, pipe.ErrStopped) {
			t.Errorf("the caller writes until %v, want ErrStopped", err)
		}
		if got := <-c.ended; got.Err != nil || got.Back != int64(len(answer)) || got.Forth < 5 {
			t.Errorf("report is %+v", got)
		}
	})
}

// An end that takes no more may still have much to say, and in its own time.
func TestStoppedOneWayLeavesTheOther(t *testing.T) {
	for name, forth := range map[string]bool{"forth": true, "back": false} {
		t.Run(name, func(t *testing.T) {
			c := join(t, memory, memory)
			talks, listens := c.caller, c.cell
			if !forth {
				talks, listens = c.cell, c.caller
			}
			if err := listens.CloseRead(); err != nil {
				t.Error(err)
			}
			if err := flood(talks); !errors.Is(err, pipe.ErrStopped) {
				t.Errorf("writes until %v, want ErrStopped", err)
			}
			for range 3 {
				write(t, listens, "still here")
				wantNext(t, talks, "still here")
			}
			closeWrite(t, listens)
			wantAll(t, talks, "")
			if got := <-c.ended; got.Err != nil {
				t.Errorf("report is %+v", got)
			}
		})
	}
}

// A stream that takes no more is told that no more will come, or its transport would keep
// that direction open.
func TestStoppedIsEnded(t *testing.T) {
	far, near := pipetest.New()
	other, b := pipetest.New()
	cell := &ended{Stream: b}
	go func() {
		other.CloseRead()
		flood(far)
		other.CloseWrite()
	}()
	if got := pipe.Join(t.Context(), near, cell); got.Err != nil || !cell.ended {
		t.Errorf("report is %+v, and the writing side was ended: %v", got, cell.ended)
	}
}

type ended struct {
	pipe.Stream
	ended bool
}

func (e *ended) CloseWrite() error { e.ended = true; return e.Stream.CloseWrite() }

// flood writes until that fails.
func flood(s pipe.Stream) error {
	chunk := []byte(strings.Repeat("flood", 1000))
	for {
		if _, err := s.Write(chunk); err != nil {
			return err
		}
	}
}

// A caller who has said something and left, as one that was killed, is not waited for by
// a cell that says nothing: the call is over. What it said is delivered before.
func TestCallerLeaves(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the kernel does not tell")
	}
	for name, leave := range map[string]func(t *testing.T, caller pipe.Stream){
		"at once":   func(*testing.T, pipe.Stream) {},
		"in order":  closeWrite,
		"half deaf": func(t *testing.T, caller pipe.Stream) { check(t, caller.CloseRead()) },
	} {
		for _, cell := range []transport{memory, unix} {
			t.Run(name+", "+cell.name, func(t *testing.T) {
				c := join(t, unix, cell)
				write(t, c.caller, "bye")
				leave(t, c.caller)
				wantNext(t, c.cell, "bye")
				check(t, c.caller.Close())
				wantAll(t, c.cell, "")
				c.wantEnd(t, 3, 0)
				if err := flood(c.cell); !errors.Is(err, pipe.ErrStopped) {
					t.Errorf("the cell writes until %v", err)
				}
			})
		}
	}
}

// One that has only ended its side is there, and hears the answer however late it comes.
func TestCallerListens(t *testing.T) {
	for _, cell := range []transport{memory, unix} {
		c := join(t, unix, cell)
		closeWrite(t, c.caller)
		wantAll(t, c.cell, "")
		time.Sleep(20 * time.Millisecond) // long enough for a Join that takes it for gone
		write(t, c.cell, "late answer")
		closeWrite(t, c.cell)
		wantAll(t, c.caller, "late answer")
		c.wantEnd(t, 0, 11)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
