package pipetest_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Tests of other packages rest on this stream, so it has to end as a real one does.
func TestEnds(t *testing.T) {
	gone := errors.New("gone")
	for name, test := range map[string]struct {
		end                 func(s pipe.Stream)
		wantRead, wantWrite error // of the other end
	}{
		"CloseWrite": {func(s pipe.Stream) { s.CloseWrite() }, nil, nil},
		"CloseRead":  {func(s pipe.Stream) { s.CloseRead(); s.CloseWrite() }, nil, pipe.ErrStopped},
		"Close":      {func(s pipe.Stream) { s.Close() }, nil, pipe.ErrStopped},
		"Abort":      {func(s pipe.Stream) { s.Abort(gone) }, pipetest.ErrReset, pipetest.ErrReset},
		"late Abort": {func(s pipe.Stream) { s.CloseWrite(); s.Abort(gone) }, pipetest.ErrReset,
			pipetest.ErrReset},
	} {
		a, b := pipetest.New()
		io.WriteString(a, "text")
		test.end(a)
		if _, err := b.Write([]byte("x")); !errors.Is(err, test.wantWrite) {
			t.Errorf("%s: the other end writes %v, want %v", name, err, test.wantWrite)
		}
		got, err := io.ReadAll(b)
		if test.wantRead == nil && (err != nil || string(got) != "text") {
			t.Errorf("%s: the other end reads %q, %v", name, got, err)
		}
		if test.wantRead != nil && err == nil {
			t.Errorf("%s: the other end reads an orderly end", name)
		}
	}
}

// A writer waits when a direction is full, a reader when it is empty, and a deadline ends either.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := pipetest.New()
		start := time.Now()
		a.SetDeadline(start.Add(time.Minute))
		if n, err := a.Write(make([]byte, 2*pipetest.Capacity)); n != pipetest.Capacity ||
			!errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %d, %v", n, err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("the writer waited %v", took)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		a.SetDeadline(time.Time{})
		go func() {
			time.Sleep(time.Hour) // virtual
			a.Abort(nil)
		}()
		if _, err := a.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read without a deadline: %v", err)
		}
	})
}
