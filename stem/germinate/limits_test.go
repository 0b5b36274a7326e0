package germinate

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

// A peer may start a number of cells at once and then one every half second. The user is not
// limited.
func TestStartsOfOnePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits()
		greedy, modest := peer(1), peer(2)
		for i := range peerStarts {
			if !l.allows(greedy) {
				t.Fatalf("start %d was refused", i)
			}
		}
		if l.allows(greedy) {
			t.Error("one more was allowed")
		}
		if !l.allows(modest) {
			t.Error("another peer was refused")
		}
		for range 10 * allStarts {
			if !l.allows(user) {
				t.Fatal("the user was refused")
			}
		}
		<-time.After(peerStartsEvery)
		if !l.allows(greedy) || l.allows(greedy) {
			t.Error("after a pause exactly one more should be allowed")
		}
	})
}

// The starts for all peers together are limited, and so is the memory for peers.
func TestStartsOfACrowd(t *testing.T) {
	crowd := make([]gate.Caller, 100_000)
	for i := range crowd {
		crowd[i] = peer(i)
	}
	for _, pause := range []time.Duration{0, time.Millisecond, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimits()
			allowed, since := 0, time.Now()
			for i, caller := range crowd {
				if l.allows(caller) {
					allowed++
				}
				if len(l.peers) > maxPeersKept {
					t.Fatalf("%d peers are remembered", len(l.peers))
				}
				if pause > 0 && i%100 == 99 {
					<-time.After(100 * pause)
				}
			}
			if most := allStarts + int(time.Since(since)/allStartsEvery); allowed > most {
				t.Errorf("%v apart, %d starts were allowed, want at most %d", pause, allowed, most)
			} else if allowed < allStarts {
				t.Errorf("%v apart, only %d starts were allowed", pause, allowed)
			}
			<-time.After(time.Second)
			if !l.allows(peer(-1)) {
				t.Error("a new peer is refused after a pause")
			}
		})
	}
}

// A peer over the limit is refused and nothing is started. Calls to running cells do not count.
func TestBusyPeerStartsNothing(t *testing.T) {
	f := newFactoryWith(t, "crash", "echo")
	friend := peer(2)
	mustTalk(t, f, "echo")
	for range 3 * peerStarts {
		if err := f.Germinate(t.Context(), name("echo"), friend); err != nil {
			t.Fatalf("a cell that runs: %v", err)
		}
	}
	f.limits.allows(friend)
	f.limits.peers[friend.Peer].SetBurst(0) // as if its limit were used up
	before := len(starts(f.home))
	_, err := f.Connect(t.Context(), name("crash"), friend)
	wantRefusal(t, err, wire.Busy)
	wantStarts(t, f.home, before)
	if got, err := talk(f, "echo", friend, "hello"); got != "hello" || err != nil {
		t.Errorf("a cell that runs answers %q, %v", got, err)
	}
	_, err = f.Connect(t.Context(), name("crash"), user)
	wantRefusal(t, err, wire.Failed, "the lens is cracked")
	wantStarts(t, f.home, before+1)
}

// The pauses between starts of a failing cell double from the second failure on, up to 30 s.
func TestPausesOfACellThatFails(t *testing.T) {
	dna := filepath.Join(t.TempDir(), "dna")
	write(t, dna, "one", 0o700)
	synctest.Test(t, func(t *testing.T) {
		l, cell := newLimits(), name("crash")
		failed := wire.Refusal{Code: wire.Failed, Reason: "crash exited with status 3"}
		for _, want := range []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond,
			800 * time.Millisecond,
			1600 * time.Millisecond, 3200 * time.Millisecond,
			6400 * time.Millisecond, 12800 * time.Millisecond,
			25600 * time.Millisecond, 30 * time.Second, 30 * time.Second} {
			l.started(cell, dna, failed)
			if want > 0 {
				<-time.After(want - 1)
				if err := l.mayStart(cell, dna); err == nil {
					t.Errorf("it may start before %v are over", want)
				}
				<-time.After(1)
			}
			if err := l.mayStart(cell, dna); err != nil {
				t.Errorf("after %v: %v", want, err)
			}
		}
		end := func(status syscall.WaitStatus) error {
			ended := make(chan syscall.WaitStatus, 1)
			ended <- status
			l.launched(cell, ended)
			l.started(cell, dna, nil)
			return l.mayStart(cell, dna)
		}
		if err := end(3 << 8); err == nil {
			t.Error("a crash right after the start does not count as a failure")
		}
		<-time.After(maxPause)
		for _, status := range []syscall.WaitStatus{0, syscall.WaitStatus(syscall.SIGKILL),
			syscall.WaitStatus(syscall.SIGTERM)} {
			if err := end(status); err != nil {
				t.Errorf("an end by %v counts as a crash: %v", status,
					err)
			}
		}
		<-time.After(maxPause)
		l.started(cell, dna, nil)
		<-time.After(soon + 1)
		if err := l.mayStart(cell, dna); err != nil {
			t.Errorf("after it ran: %v", err)
		}
		l.started(cell, dna, failed)
		if err := l.mayStart(cell, dna); err != nil {
			t.Errorf("one failure after it ran: %v", err)
		}
	})
}

// A failing cell is not started for every call, but callers are told why it failed.
func TestCellThatFailsIsLeftAlone(t *testing.T) {
	t.Run("a program", func(t *testing.T) { leftAlone(t, newFactoryWith(t, "crash")) })
	t.Run("with settings", func(t *testing.T) {
		f := newFactoryWith(t, "crash")
		write(t, f.home.DNA(name("crash"))+".toml", "start_timeout = \"5s\"\n", 0o600)
		leftAlone(t, f)
	})
}

func leftAlone(t *testing.T, f *Factory) {
	var err error
	calls := 0
	for ; calls < 100 && (err == nil || !strings.Contains(err.Error(), "not started")); calls++ {
		_, err = f.Connect(t.Context(), name("crash"), user)
	}
	wantRefusal(t, err, wire.Failed, "crash failed ",
		"times in a row and is not started for another",
		"the lens is cracked")
	if n := len(starts(f.home)); calls < 3 || n >= calls {
		t.Errorf("%d calls made %d starts", calls, n)
	}

	// A changed program is tried at once.
	if err := os.Remove(f.home.DNA(name("crash"))); err != nil {
		t.Fatal(err)
	}
	write(t, f.home.DNA(name("crash")), "#!/bin/sh\necho fixed\n", 0o700)
	_, err = f.Connect(t.Context(), name("crash"), user)
	wantRefusal(t, err, wire.Failed, "exited with status 0", "fixed")
}
