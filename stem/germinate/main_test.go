package germinate

import (
	"context"
	"testing"

	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/stem/gate"
	"github.com/cell-mesh/cell/stem/stemtest"
)

func TestMain(m *testing.M) { stemtest.Main(m) }

var (
	name        = addresstest.Name
	testID      = addresstest.ID
	write       = stemtest.Write
	eventually  = stemtest.Eventually
	starts      = stemtest.Starts
	wantStarts  = stemtest.WantStarts
	wantRefusal = stemtest.WantRefusal
)

var user = gate.Caller{}

// peer is a caller on another machine.
func peer(n int) gate.Caller { return gate.Caller{Peer: testID(n)} }

// runFactory runs the factory of a home until the test ends or stop is called.
func runFactory(t *testing.T, h home.Home) (f *Factory, stop func()) {
	t.Helper()
	f = New(h, testID(1), "", stemtest.Discard)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	stop = func() {
		if cancel(); ended != nil {
			if err := <-ended; err != nil {
				t.Errorf("the factory ended with %v", err)
			}
		}
		ended = nil
	}
	t.Cleanup(stop)
	return f, stop
}

func newFactoryWith(t *testing.T, dna ...string) *Factory {
	t.Helper()
	f, _ := runFactory(t, stemtest.Home(t, dna...))
	return f
}

// talk connects to a cell, sends words and returns what comes back.
func talk(f *Factory, cell string, caller gate.Caller, words string) (string, error) {
	stream, err := f.Connect(context.Background(), name(cell), caller)
	if err != nil {
		return "", err
	}
	return stemtest.Exchange(stream, words)
}

func mustTalk(t *testing.T, f *Factory, cell string) {
	t.Helper()
	if got, err := talk(f, cell, user, "hello"); got != "hello" || err != nil {
		t.Fatalf("%s answers %q, %v", cell, got, err)
	}
}
