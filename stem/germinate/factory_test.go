package germinate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
	"github.com/cell-mesh/cell/stem/stemtest"
)

// A hundred callers, here and elsewhere, cause one start and are all answered. Waiting for a start
// does not count against the limits.
func TestCrowdStartsACellOnce(t *testing.T) {
	f := newFactoryWith(t, "slow")
	var crowd sync.WaitGroup
	wrong := make(chan string, 100)
	for i := range 100 {
		caller := []gate.Caller{user, peer(2), peer(3)}[i%3]
		crowd.Go(func() {
			words := fmt.Sprint("caller ", i)
			if got, err := talk(f, "slow", caller, words); got != words || err != nil {
				wrong <- fmt.Sprintf("%s got %q, %v", words, got, err)
			}
		})
	}
	eventually(t, "the cell is started", func() bool { return len(starts(f.home)) > 0 })
	write(t, filepath.Join(f.home.String(), "go"), "", 0o600)
	crowd.Wait()
	close(wrong)
	for words := range wrong {
		t.Error(words)
	}
	wantStarts(t, f.home, 1)
}

// After a cell was killed, the next caller gets a new one and no error.
func TestKilledCellIsStartedAfresh(t *testing.T) {
	for _, cell := range []string{"echo", "bare", "forker"} {
		t.Run(cell, func(t *testing.T) {
			f := newFactoryWith(t, cell)
			mustTalk(t, f, cell)
			before := len(starts(f.home))
			if pids := stemtest.EndCells(f.home); len(pids) != 1 {
				t.Fatalf("killed %v", pids)
			}
			eventually(t, "the cell is dead", func() bool { return !f.alive(name(cell)) })
			mustTalk(t, f, cell)
			wantStarts(t, f.home, 2*before)
			if _, err := os.Stat(filepath.Join(f.home.RunDir(), cell+".sock")); err != nil {
				t.Error(err)
			}
		})
	}
}

// The cell gets its name as an argument, where `ps` shows it, and leads its own session, so that
// closing the stem's terminal does not end it.
func TestCellIsAProcessOfItsOwn(t *testing.T) {
	f := newFactoryWith(t, "echo")
	mustTalk(t, f, "echo")
	if got := starts(f.home); len(got) != 1 || !strings.HasPrefix(got[0], "--name echo ") {
		t.Errorf("started as %q", got)
	}
	pid := stemtest.PID(t, f.home, 0)
	if group, err := syscall.Getpgid(pid); group != pid || err != nil {
		t.Errorf("process %d is in group %d, %v", pid, group, err)
	}
}

// A caller that waits may leave. The start goes on for the others.
func TestWhoWaitsMayLeave(t *testing.T) {
	f := newFactoryWith(t, "slow")
	answer := make(chan string, 1)
	go func() {
		got, err := talk(f, "slow", user, "patient")
		answer <- fmt.Sprint(got, err)
	}()
	eventually(t, "the cell is started", func() bool { return len(starts(f.home)) > 0 })
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if err := f.Germinate(ctx, name("slow"), peer(2)); err == nil ||
		err.Error() != "enough" {
		t.Errorf("the caller that left got %v", err)
	}
	write(t, filepath.Join(f.home.String(), "go"), "", 0o600)
	if got := <-answer; got != "patient<nil>" {
		t.Errorf("the other caller got %s", got)
	}
	wantStarts(t, f.home, 1)
}

// Cells outlive the stem, and the next stem finds them by their sockets.
func TestCellOutlivesItsStem(t *testing.T) {
	h := stemtest.Home(t, "echo", "bare")
	first, stop := runFactory(t, h)
	mustTalk(t, first, "echo")
	mustTalk(t, first, "bare")
	stream, err := first.Connect(t.Context(), name("echo"), user)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if got, err := stemtest.Exchange(stream, "still there"); got != "still there" || err != nil {
		t.Errorf("a connection that stood got %q, %v", got, err)
	}
	second, _ := runFactory(t, h)
	if got := fmt.Sprint(second.Running()); got != "[bare echo]" {
		t.Errorf("running: %s", got)
	}
	mustTalk(t, second, "echo")
	mustTalk(t, second, "bare")
	wantStarts(t, h, 2)
}

// A cell that was started by hand needs no dna.
func TestCellThatRunsNeedsNoDNA(t *testing.T) {
	f := newFactoryWith(t)
	path, _ := f.home.Socket(name("mine"))
	l, err := socket.Listen(path, f.home.Lock(name("mine")))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, caller := range []gate.Caller{user, peer(2)} {
		if err := f.Germinate(t.Context(), name("mine"), caller); err != nil {
			t.Errorf("germinate for %s: %v", caller, err)
		}
		stream, err := f.Connect(t.Context(), name("mine"), caller)
		if err != nil {
			t.Fatalf("connect for %s: %v", caller, err)
		}
		stream.Close()
	}
}

// The first caller may leave too.
func TestStartOutlivesItsFirstCaller(t *testing.T) {
	f := newFactoryWith(t, "slow")
	ctx, leave := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- f.Germinate(ctx, name("slow"), user) }()
	eventually(t, "the cell is started", func() bool { return len(starts(f.home)) > 0 })
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that left got %v", err)
	}
	go func() { second <- f.Germinate(t.Context(), name("slow"), user) }()
	write(t, filepath.Join(f.home.String(), "go"), "", 0o600)
	if err := <-second; err != nil {
		t.Errorf("the other caller got %v", err)
	}
	wantStarts(t, f.home, 1)
}

// A start under way ends with the stem.
func TestStartEndsWithTheStem(t *testing.T) {
	h := stemtest.Home(t, "silent")
	f, stop := runFactory(t, h)
	ctx, cancel := context.WithCancelCause(context.Background())
	told := make(chan error, 1)
	go func() {
		_, err := f.Connect(ctx, name("silent"), user)
		told <- err
	}()
	eventually(t, "the cell is started", func() bool { return len(starts(h)) > 0 })
	cancel(errors.New("the stem was stopped"))
	if err := <-told; err == nil || !strings.Contains(err.Error(), "the stem was stopped") {
		t.Errorf("the caller got %v", err)
	}
	stop()
	if err := f.Germinate(t.Context(), name("silent"), user); !errors.Is(err, wire.Failed) {
		t.Errorf("a later caller got %v", err)
	}
	wantStarts(t, h, 1)
}

// The cell sees its caller's ID as the remote address. The user's calls come from this
// machine's ID.
func TestCellSeesItsCaller(t *testing.T) {
	f := newFactoryWith(t, "who")
	for caller, want := range map[gate.Caller]string{user: f.id.String(),
		peer(7): testID(7).String()} {
		if got, err := talk(f, "who", caller, ""); got != want || err != nil {
			t.Errorf("for %s the cell sees %q, %v", caller, got, err)
		}
	}
}
