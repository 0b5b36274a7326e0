package stem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

var allCodes = []wire.Code{wire.NotFound, wire.Denied, wire.Unreachable, wire.Failed, wire.Busy,
	wire.Bad, wire.Cut}

// A code keeps its identity across both hops, and reasons of the far stem stay there.
func TestCodesCrossBothHops(t *testing.T) {
	for _, code := range allCodes {
		synctest.Test(t, func(t *testing.T) {
			a, b := twins(t)
			b.grant(a, "retina")
			b.cells.err["retina"] = wire.Refusal{Code: code, Reason: "because of secret/path"}
			_, _, err := ask(t, a.local(), "open retina@"+b.net.id.String())
			for _, other := range allCodes {
				if errors.Is(err, other) != (other == code) {
					t.Errorf("%s arrives as %q, which is %s: %v", code, err, other,
						errors.Is(err, other))
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s arrives with the far stem's reason %q", code, err)
			}
		})
	}
}

// The user gets a reason: the stem's own, or what the code of the far stem means.
func TestRefusalsInWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.grant(a, "missing")
		far := "@" + b.net.id.String()
		for _, test := range []struct {
			address string
			code    wire.Code
			words   string
		}{
			{"missing", wire.NotFound, "there is no dna at secret/missing"},
			{"missing" + far, wire.NotFound, "that machine has no cell missing"},
			{"retina" + far, wire.Denied, "that machine does not let this one reach retina"},
			{"retina@laptop", wire.Unreachable, "no peer is called laptop"},
			{"retina@" + testID(9).String(), wire.Unreachable, "no way to"},
			{"retina@10.0.0.1", wire.Unreachable, "nobody answers at 10.0.0.1"},
			{"Retina", wire.Bad, "does not begin with one of a-z"},
		} {
			_, _, err := ask(t, a.local(), "open "+test.address)
			if !errors.Is(err, test.code) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("%s is refused with %q (%v), want %s and %q", test.address, err,
					errors.Unwrap(err), test.code, test.words)
			}
		}
	})
}

// The machine's own ID and petname mean here, so that one address works on every machine.
func TestOwnAddressMeansHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := twins(t)
		a.cells.do["echo"] = echo
		a.rules.rules.Petnames[petname("me")] = a.net.id
		for _, address := range []string{"echo", "echo@" + a.net.id.String(), "echo@me",
			"cell://me/echo"} {
			_, stream := open(t, a.local(), address)
			if got := everything(t, stream, "hello"); got != "hello" {
				t.Errorf("%s answers %q", address, got)
			}
		}
		if want := strings.Repeat("connect echo for local, ", 4); strings.Join(a.cells.asked,
			", ")+", " != want {
			t.Errorf("the cells were asked to %q", a.cells.asked)
		}
		if a.net.opens > 0 {
			t.Errorf("%d streams were opened to elsewhere", a.net.opens)
		}
	})
}

// A petname leads to its peer.
func TestPetnameLeadsToItsPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.cells.do["echo"] = echo
		b.grant(a, "echo")
		a.rules.rules.Petnames[petname("laptop")] = b.net.id
		_, stream := open(t, a.local(), "echo@laptop")
		if got := everything(t, stream, "hello"); got != "hello" {
			t.Errorf("answers %q", got)
		}
	})
}

// A peer that never answers the request is given up after a timeout.
func TestFarStemThatNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newMachine(t, testID(1))
		a.net.far[testID(2)] = nil
		since := time.Now()
		_, _, err := ask(t, a.local(), "open echo@"+testID(2).String())
		if !errors.Is(err, wire.Unreachable) ||
			!strings.Contains(err.Error(), "before the peer answered") {
			t.Errorf("refused with %v", err)
		}
		if took := time.Since(since); took != verdictTimeout {
			t.Errorf("it took %v, want %v", took, verdictTimeout)
		}
	})
}

// A request that was lost with a dead connection is sent again, unless it had early bytes.
func TestRequestIsRepeated(t *testing.T) {
	for early, opens := range map[string]int{"": 2, "\nhello": 1} {
		synctest.Test(t, func(t *testing.T) {
			a, b := twins(t)
			b.cells.do["echo"] = echo
			b.grant(a, "echo")
			a.net.wrap = func(s pipe.Stream) pipe.Stream {
				if a.net.opens == 1 {
					s.Abort(nil)
					return unanswered{s}
				}
				return s
			}
			_, stream, err := ask(t, a.local(), "open echo@"+b.net.id.String()+early)
			defer stream.Close()
			if again := err == nil; again != (opens == 2) {
				t.Errorf("with %q: %v", early, err)
			}
			if a.net.opens != opens {
				t.Errorf("with %q sent early the peer was called %d times, want %d", early,
					a.net.opens, opens)
			}
		})
	}
}

// unanswered is a stream on a dead connection.
type unanswered struct{ pipe.Stream }

func (unanswered) Write(p []byte) (int, error) { return len(p), nil }
func (unanswered) Read([]byte) (int, error) {
	return 0, fmt.Errorf("read: %w", pipe.ErrUnanswered)
}

// A reset can overtake the verdict. The peer was reached nevertheless.
func TestCutOvertakesVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		a.net.wrap = func(far pipe.Stream) pipe.Stream {
			far.Abort(errors.New("not this one"))
			return abortedAtOnce{far}
		}
		_, _, err := ask(t, a.local(), "open echo@"+b.net.id.String())
		if !errors.Is(err, wire.Failed) || !strings.Contains(err.Error(), "broke it off at once") {
			t.Errorf("refused with %v", err)
		}
	})
}

// abortedAtOnce is a stream whose reset discarded what came before it.
type abortedAtOnce struct{ pipe.Stream }

func (abortedAtOnce) Read([]byte) (int, error)    { return 0, pipetest.ErrReset }
func (abortedAtOnce) Write(p []byte) (int, error) { return len(p), nil }

// The stem that starts a cell owns the deadline. The caller's stem waits for the longest one that
// can be set. The call itself has no limit.
func TestSlowCellIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.grant(a, "slow")
		b.Stem.Cells = slowCells{b.cells}
		b.cells.do["slow"] = func(s pipe.Stream) {
			<-time.After(24 * time.Hour)
			echo(s)
		}
		_, stream := open(t, a.local(), "slow@"+b.net.id.String())
		if got := everything(t, stream, "at last"); got != "at last" {
			t.Errorf("answers %q", got)
		}
	})
}

// slowCells take the longest time to start.
type slowCells struct{ *fakeCells }

func (c slowCells) Connect(ctx context.Context, cell address.Name,
	caller gate.Caller) (pipe.Stream, error) {
	<-time.After(dna.MaxStartTimeout)
	return c.fakeCells.Connect(ctx, cell, caller)
}
