package doctor

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
)

func hold(t *testing.T, path string) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestSockets(t *testing.T) {
	h := hometest.New(t)
	live, dead := filepath.Join(h.RunDir(), "live.sock"), filepath.Join(h.RunDir(), "dead.sock")
	hold(t, live)
	want(t, Stale(h, true, time.Now()), "dead sockets", OK, "none")
	sockettest.Dead(t, dead)
	want(t, Stale(h, true, time.Now()), "dead sockets", Note, "left by killed cells: "+dead)
}

// A temporary file counts as left behind once it is too old to be renamed.
func TestLeftovers(t *testing.T) {
	h := hometest.New(t)
	for _, path := range []string{filepath.Join(h.PeersDir(), ".new-1"),
		filepath.Join(h.CacheDir(), ".cache-1"),
		filepath.Join(h.String(), ".identity-1"), filepath.Join(h.RunDir(), ".0a1b2c3d")} {
		hometest.Write(t, path, "")
		hometest.Write(t, filepath.Join(h.PeersDir(), ".mine"), "")
		want(t, Stale(h, true, time.Now()), "temporary files", OK, "none")
		want(t, Stale(h, true, time.Now().Add(2*leftoverAge)), "temporary files", Note, path)
		os.Remove(path)
	}
	want(t, Stale(h, true, time.Now().Add(2*leftoverAge)), "temporary files", OK, "none")
}

func TestDeadStem(t *testing.T) {
	h := hometest.New(t)
	want(t, Stale(h, false, time.Now()), "stem", Note, "not running")
	sockettest.Dead(t, h.StemSocket())
	want(t, Stale(h, false, time.Now()), "stem", Note, "was killed")
	if len(Stale(h, true, time.Now())) != 2 {
		t.Error("a check for a dead stem ran although a stem answers")
	}
}

// A process that holds the lock but does not answer hangs. The check does not take the lock.
func TestHungStem(t *testing.T) {
	if _, err := os.Stat("/proc/locks"); err != nil {
		t.Skip("the system does not tell who holds a lock")
	}
	h := hometest.New(t)
	lock := take(t, h)
	want(t, Stale(h, false, time.Now()), "stem", Bad, "holds "+h.StemLock())
	lock.Unlock()
	want(t, Stale(h, false, time.Now()), "stem", Note, "not running")
}

func take(t *testing.T, h home.Home) *socket.Lock {
	t.Helper()
	lock, err := socket.TryLock(h.StemLock())
	if err != nil {
		t.Fatal(err)
	}
	return lock
}
