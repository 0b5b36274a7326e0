package stem

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/stemtest"
)

// A Unix socket cannot carry a reset, so a caller asks at the end of file whether the answer was
// cut.
func TestEndTellsACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.cells.do["torn"] = func(s pipe.Stream) {
			io.WriteString(s, "half of the ans")
			s.Read(make([]byte, 1))
			s.Abort(errors.New("torn"))
		}
		b.grant(a, "torn")
		call, stream := open(t, a.local(), "torn@"+b.net.id.String())
		defer stream.Close()
		if _, _, err := ask(t, a.local(), "end "+call); err != nil {
			t.Errorf("while it is under way: %v", err)
		}
		io.ReadFull(stream, make([]byte, len("half of the ans")))
		io.WriteString(stream, "x")
		if n, err := stream.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("the local stream was not aborted: read %d, %v", n, err)
		}
		_, _, err := ask(t, a.local(), "end "+call)
		if !errors.Is(err, wire.Cut) || !strings.Contains(err.Error(), "reset") {
			t.Errorf("end %s: %v", call, err)
		}
		if got := everything(t, a.local(), "end "+call+"\n"); !strings.HasPrefix(got, "no cut ") {
			t.Errorf("the line is %q", got)
		}
	})
}

// After the whole answer was delivered, an abort of the other direction is not a cut.
func TestAbortAfterTheWholeAnswerIsNoCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.cells.do["curt"] = func(s pipe.Stream) {
			io.WriteString(s, "all")
			s.CloseWrite()
			s.Read(make([]byte, 1))
			s.Abort(errors.New("enough"))
		}
		b.grant(a, "curt")
		call, stream := open(t, a.local(), "curt@"+b.net.id.String())
		if got, err := io.ReadAll(stream); string(got) != "all" || err != nil {
			t.Fatalf("read %q, %v", got, err)
		}
		for err := error(nil); err == nil; synctest.Wait() { // until the abort has come all the way
			_, err = stream.Write([]byte("more"))
		}
		if _, _, err := ask(t, a.local(), "end "+call); err != nil {
			t.Errorf("end %s: %v", call, err)
		}
		stream.Close()
	})
}

// An unknown call is not reported as ended in order.
func TestEndOfUnknownCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		a.cells.do["echo"], b.cells.do["echo"] = echo, echo
		call, stream := open(t, a.local(), "echo")
		defer stream.Close()
		next, _ := strconv.ParseUint(call, 10, 64)
		if _, _, err := ask(t, a.local(), "end "+strconv.FormatUint(next+1, 10)); !errors.Is(err,
			wire.Cut) {
			t.Errorf("a future call: %v", err)
		}
		// The same number at the next stem, which has calls of its own.
		_, other := open(t, b.local(), "echo")
		defer other.Close()
		if _, _, err := ask(t, b.local(), "end "+call); !errors.Is(err, wire.Cut) ||
			!strings.Contains(err.Error(), "restarted") {
			t.Errorf("a call of a former stem: %v", err)
		}
		for _, number := range []string{"", "one", "-1", "99999999999999999999"} {
			if _, _, err := ask(t, a.local(), "end "+number); !errors.Is(err, wire.Bad) {
				t.Errorf("end %q: %v", number, err)
			}
		}
	})
}

// The memory for cuts is limited, and a forgotten call is not reported as ended in order.
func TestCutsAreForgotten(t *testing.T) {
	c := newLocalCalls()
	first, whole := c.begin(), c.begin()
	c.cut(first, errors.New("torn"))
	var last uint64
	for range maxCuts - 1 {
		last = c.begin()
		c.cut(last, errors.New("torn"))
	}
	if err := c.outcome(first); err == nil || err.Error() != "torn" {
		t.Errorf("the first of %d cuts: %v", maxCuts, err)
	}
	if err := c.outcome(whole); err != nil {
		t.Errorf("the call that was not cut: %v", err)
	}
	for range 2 * maxCuts {
		last = c.begin()
		c.cut(last, errors.New("torn"))
	}
	if err := c.outcome(first); !errors.Is(err, wire.Cut) ||
		!strings.Contains(err.Error(), "forgotten") {
		t.Errorf("a forgotten cut: %v", err)
	}
	if err := c.outcome(last); err == nil || err.Error() != "torn" {
		t.Errorf("the last cut: %v", err)
	}
	if len(c.cuts) > maxCuts || len(c.order) > maxCuts {
		t.Errorf("%d cuts are kept, %d in order", len(c.cuts), len(c.order))
	}
	if err := c.outcome(c.begin()); err != nil {
		t.Errorf("a new call: %v", err)
	}
}

// The door refuses a cut for a caller that has no call under way.
func TestCutAtTheDoor(t *testing.T) {
	h := stemtest.Home(t)
	runStem(t, h, nil)
	for _, caller := range []string{"nobody", testID(2).String() + "/0123456789abcdef"} {
		_, err := stemclient.Ask(t.Context(), h, wire.Request{Verb: wire.CutCall, Object: caller})
		if !errors.Is(err, wire.NotFound) {
			t.Errorf("%s: %v", caller, err)
		}
	}
}
