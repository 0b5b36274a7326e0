package cellsocket

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
)

// serve answers callers, as any cell does, until Accept fails.
func serve(l *Listener) error {
	var calls sync.WaitGroup
	defer calls.Wait()
	for {
		conn, ended, err := l.Accept()
		if err != nil {
			return err
		}
		calls.Go(func() {
			defer ended()
			defer conn.Close()
			io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
		})
	}
}

// germinator starts the cell whenever nobody is there, as the stem does.
type germinator struct {
	t      *testing.T
	home   home.Home
	cell   address.Name
	idle   time.Duration
	starts atomic.Int64
	cells  sync.WaitGroup
}

func (g *germinator) start() {
	l, err := As(g.home, g.cell, g.idle)
	if errors.Is(err, socket.ErrInUse) {
		return
	}
	if err != nil {
		g.t.Error(err)
		return
	}
	g.starts.Add(1)
	g.cells.Go(func() {
		if err := serve(l); !errors.Is(err, ErrIdle) || !errors.Is(err, net.ErrClosed) {
			g.t.Errorf("the cell ended with %v", err)
		}
	})
}

// call says a word and wants it back. A call that was taken in must be answered, whatever
// the cell does meanwhile.
func (g *germinator) call(path string) error {
	conn, err := socket.Dial(soon(g.t), path)
	for ; socket.Missing(err); conn, err = socket.Dial(soon(g.t), path) {
		g.start()
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "word") // the answer tells whether it arrived
	conn.CloseWrite()
	heard, err := io.ReadAll(conn)
	if err == nil && string(heard) != "word" {
		err = errors.New("heard " + string(heard))
	}
	return err
}

// Calls that arrive at the very moment when the cell leaves are answered all the same, by
// it or by the next.
func TestNoCallIsLostWhenTheCellLeaves(t *testing.T) {
	h, cell, path := cellAt(t)
	const rounds, callers, idle = 400, 3, time.Millisecond
	g := &germinator{t: t, home: h, cell: cell, idle: idle}
	defer g.cells.Wait()
	var together sync.WaitGroup
	for round := range rounds {
		for range callers {
			together.Go(func() {
				if err := g.call(path); err != nil {
					t.Errorf("round %d: a call was lost: %v", round, err)
				}
			})
		}
		together.Wait()
		// before it, at it and behind it
		moment := idle + time.Duration(round%40-20)*10*time.Microsecond
		// spins: a sleep would miss it
		for due := time.Now().Add(moment); time.Now().Before(due); {
		}
	}
	starts := g.starts.Load()
	t.Logf("%d starts in %d rounds", starts, rounds)
	if starts < rounds/20 || starts > rounds*19/20 {
		t.Errorf("%d starts in %d rounds: the moment was missed", starts, rounds)
	}
}

// One who was let in before the kernel refused the others is served to the end before
// Accept gives up.
func TestTheLastCallersAreServed(t *testing.T) {
	h, cell, path := cellAt(t)
	l, err := As(h, cell, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := socket.Dial(soon(t), path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	l.mu.Lock()
	l.since = time.Time{} // its time is up, and the caller in the queue
	again, err := l.stay(os.ErrDeadlineExceeded)
	l.mu.Unlock()
	if !again || err != nil || !l.retired {
		t.Fatalf("it stays: %v, %v", again, err)
	}
	late, ended, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	gaveUp := make(chan error, 1)
	go func() {
		_, _, err := l.Accept()
		gaveUp <- err
	}()
	select {
	case err := <-gaveUp:
		t.Fatalf("gave up during a call: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	late.Close()
	ended()
	ended() // twice is fine
	if err := <-gaveUp; !errors.Is(err, ErrIdle) {
		t.Error(err)
	}
	if _, _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("once more: %v", err)
	}
}

// A cell does not leave while a call is open, and not while somebody holds its lock, who
// is about to look whether it is there.
func TestStays(t *testing.T) {
	h, cell, path := cellAt(t)
	l, err := As(h, cell, 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	go func() { left <- serve(l) }()
	stays := func(why string) {
		t.Helper()
		select {
		case err := <-left:
			t.Fatalf("left %s: %v", why, err)
		case <-time.After(60 * time.Millisecond):
		}
		if alive, err := socket.Alive(path); !alive || err != nil {
			t.Fatalf("not there %s: %v", why, err)
		}
	}
	stays("before the first call")
	conn, err := socket.Dial(soon(t), path)
	if err != nil {
		t.Fatal(err)
	}
	stays("during a call")
	lock, err := socket.TryLock(h.Lock(cell))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	stays("under another's lock")
	lock.Unlock()
	if err := <-left; !errors.Is(err, ErrIdle) {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("its socket is left: %v", err)
	}
}

// Without an idle time nobody leaves, and Close ends an Accept, also one that waits for
// the last calls.
func TestClose(t *testing.T) {
	for _, idle := range []time.Duration{0, time.Hour} {
		h, cell, _ := cellAt(t)
		l, err := As(h, cell, idle)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- serve(l) }()
		l.Close()
		l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) || errors.Is(err, ErrIdle) {
			t.Errorf("idle %v: %v", idle, err)
		}
	}
}
