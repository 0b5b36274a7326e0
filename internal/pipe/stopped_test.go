package pipe_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// A cell may answer without having read all of its input, and close. Its answer is delivered whole and ends in order,
// and the caller learns that no more is wanted.
func TestCellClosesWithInputUnread(t *testing.T) {
	answer := strings.Repeat("answer", 20_000)
	overRoutes(t, func(t *testing.T, c *call) {
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

// A stream that takes no more is told that no more will come, or its transport would keep that direction open.
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
