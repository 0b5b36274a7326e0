package pipe_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// What a stem answers in the place of a cell is carried as a cell's words are: whole, to
// an orderly end, however long it is and whatever the caller has said.
func TestAnswer(t *testing.T) {
	for _, text := range []string{"", "ok\n", strings.Repeat("x", 200_000)} {
		for _, said := range []string{"", "hello", strings.Repeat("y", 200_000)} {
			synctest.Test(t, func(t *testing.T) {
				caller, near := pipetest.New()
				ended := make(chan pipe.Report, 1)
				go func() { ended <- pipe.Join(t.Context(), near, pipe.Answer(text)) }()
				go func() { // it may not get rid of all that it has to say
					io.WriteString(caller, said)
					caller.CloseWrite()
				}()
				wantAll(t, caller, text)
				if got, want := <-ended, (pipe.Report{Back: int64(len(text))}); got != want {
					t.Errorf("after %d bytes: %+v, want %+v", len(said), got, want)
				}
				caller.Close()
			})
		}
	}
}

// An answer takes nothing, and says so: its caller is stopped, and not left to write into the void.
func TestAnswerTakesNothing(t *testing.T) {
	answer := pipe.Answer("ok\n")
	if n, err := answer.Write([]byte("hello")); n != 0 || !errors.Is(err, pipe.ErrStopped) {
		t.Errorf("wrote %d, %v", n, err)
	}
	synctest.Test(t, func(t *testing.T) {
		caller, near := pipetest.New()
		go pipe.Join(t.Context(), near, pipe.Answer("ok\n"))
		write(t, caller, "hello")
		synctest.Wait()
		if _, err := io.WriteString(caller, "more"); !errors.Is(err, pipe.ErrStopped) {
			t.Errorf("the second write: %v", err)
		}
		wantAll(t, caller, "ok\n")
		caller.Close()
	})
}

// A caller who stays after the answer is let go with the stem.
func TestAnswerIsCutWithItsStem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		caller, near := pipetest.New()
		ended := make(chan pipe.Report, 1)
		go func() { ended <- pipe.Join(ctx, near, pipe.Answer("ok\n")) }()
		wantAll(t, caller, "ok\n")
		synctest.Wait()
		stop := errors.New("the stem was stopped")
		cancel(stop)
		if got := <-ended; got.Err != stop || got.Back != 3 {
			t.Errorf("got %+v", got)
		}
	})
}
