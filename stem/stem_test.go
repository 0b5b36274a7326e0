package stem

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/synapse"
)

// runStem runs a stem with a real door until the test ends or stop is called. far is a machine that
// it can reach, or nil.
func runStem(t *testing.T, h home.Home, far *machine) (s *Stem, stop func()) {
	t.Helper()
	network := &fakeNetwork{id: testID(1)}
	if far != nil {
		network.far = map[address.ID]*machine{far.net.id: far}
	}
	open := make(chan struct{})
	s, err := New(Config{Home: h, Network: network, Grace: patience,
		Hooks: Hooks{Ready: func() { close(open) }}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	select {
	case <-open:
	case <-ended:
		t.Fatal("the stem did not open its doors")
	}
	return s, stop
}

// A stem opens its door, serves and ends, and so does the next one in the same home.
func TestStemLivesAndEnds(t *testing.T) {
	h := newHome(t, "who")
	for range 2 {
		_, stop := runStem(t, h, nil)
		answer, err := stemclient.Ask(t.Context(), h, wire.Request{Verb: wire.Open, Object: "who"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := exchange(pipe.Unread(pipe.Unix(answer.Conn), answer.Rest), "")
		if want := testID(1).String(); got != want || err != nil {
			t.Errorf("through the stem, the cell sees %q, %v, want %s", got, err, want)
		}
		stop()
		stop() // stopping twice is fine
		if _, err := stemclient.Ask(t.Context(), h,
			wire.Request{Verb: wire.Status}); !errors.Is(err, stemclient.ErrNoStem) {
			t.Errorf("after its end: %v", err)
		}
		if _, err := os.Stat(h.StemSocket()); err == nil {
			t.Error("the socket was left behind")
		}
	}
	wantStarts(t, h, 1) // the cell outlived the first stem, and the second found it
}

// A home has one stem. A stem that was not run holds only its claim.
func TestOneStemPerHome(t *testing.T) {
	h := newHome(t)
	first, err := New(Config{Home: h, Network: &fakeNetwork{id: testID(1)}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(Config{Home: h, Network: &fakeNetwork{id: testID(1)}})
	if !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), h.String()) {
		t.Errorf("a second stem: %v", err)
	}
	first.Claim.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	third, err := New(Config{Home: h, Network: &fakeNetwork{id: testID(1)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Run(ctx); err != nil {
		t.Errorf("run with a context that has ended: %v", err)
	}
}

// The next stem replaces the socket of one that was killed.
func TestDoorOfADeadStemIsReplaced(t *testing.T) {
	h := newHome(t)
	sockettest.Dead(t, h.StemSocket())
	runStem(t, h, nil)
	answer, err := stemclient.Ask(t.Context(), h, wire.Request{Verb: wire.Reread})
	if err != nil {
		t.Fatal(err)
	}
	answer.Conn.Close()
	if info, err := os.Stat(h.StemSocket()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// Run refuses new callers, waits for calls that end by themselves, and lets their callers ask how
// they ended.
func TestRunWaitsForCalls(t *testing.T) {
	h := newHome(t, "echo")
	_, stop := runStem(t, h, nil)
	answer, err := stemclient.Ask(t.Context(), h, wire.Request{Verb: wire.Open, Object: "echo"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); stop() }()
	eventually(t, "the stem is closing", func() bool {
		answer, err := stemclient.Ask(t.Context(), h, wire.Request{Verb: wire.Reread})
		if err == nil {
			answer.Conn.Close()
		}
		return errors.Is(err, wire.Failed) && strings.Contains(err.Error(), "closing")
	})
	select {
	case <-ended:
		t.Error("the stem ended before its call")
	default:
	}
	if got, err := exchange(pipe.Unix(answer.Conn), "to the end"); got != "to the end" ||
		err != nil {
		t.Errorf("the call got %q, %v", got, err)
	}
	end, err := stemclient.Ask(t.Context(), h,
		wire.Request{Verb: wire.End, Object: answer.Pairs.Get("call")})
	if err != nil {
		t.Fatalf("ask how it ended: %v", err)
	}
	end.Conn.Close()
	<-ended
}

// With the SDK, a call that was cut elsewhere does not read as an end of file.
func TestCutReachesTheProgram(t *testing.T) {
	h := newHome(t)
	t.Setenv("CELL_HOME", h.String())
	far := newMachine(t, testID(2))
	far.rules.rules.Public[name("torn")] = true
	far.rules.rules.Public[name("whole")] = true
	far.cells.do["torn"] = func(s pipe.Stream) {
		io.WriteString(s, "half")
		s.Read(make([]byte, 1))
		s.Abort(errors.New("torn"))
	}
	far.cells.do["whole"] = func(s pipe.Stream) {
		io.WriteString(s, "all")
		s.Close()
	}
	_, stop := runStem(t, h, far)

	conn, err := synapse.Dial(t.Context(), "whole@"+far.net.id.String())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); string(got) != "all" || err != nil {
		t.Errorf("the whole call: %q, %v", got, err)
	}
	conn.Close()

	conn, err = synapse.Dial(t.Context(), "torn@"+far.net.id.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.ReadFull(conn, make([]byte, 4))
	io.WriteString(conn, "x")
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the torn call ends with %v", err)
	}
	stop()
	if _, err := synapse.Dial(t.Context(), "whole@"+far.net.id.String()); !errors.Is(err,
		synapse.ErrNoStem) {
		t.Errorf("without a stem: %v", err)
	}
}
