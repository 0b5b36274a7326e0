package socket

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
)

// The mode is what keeps other users of the machine out.
func TestListen(t *testing.T) {
	dir := hometest.Dir(t)
	path := filepath.Join(dir, "a.sock")
	l := listen(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode is %v", info.Mode())
	}
	if !answers(t, l, path) {
		t.Error("nobody answers")
	}
	onlyFiles(t, dir, "a.sock")
}

// Two cells of one name would take turns at the calls.
func TestListenRefusesALiveSocket(t *testing.T) {
	dir := hometest.Dir(t)
	path := filepath.Join(dir, "a.sock")
	first := listen(t, path)
	if second, err := Listen(path, ""); !errors.Is(err, ErrInUse) {
		t.Fatalf("got %v, %v, want ErrInUse", second, err)
	}
	if !answers(t, first, path) {
		t.Error("the live one was disturbed")
	}
	onlyFiles(t, dir, "a.sock")
}

// A process that was killed leaves its socket behind; the next one must not need a hand.
func TestListenReplacesADeadSocket(t *testing.T) {
	dir := hometest.Dir(t)
	path := filepath.Join(dir, "a.sock")
	sockettest.Dead(t, path)
	if l := listen(t, path); !answers(t, l, path) {
		t.Error("nobody answers")
	}
	onlyFiles(t, dir, "a.sock")
}

// An error leaves nothing behind.
func TestListenFails(t *testing.T) {
	dir := hometest.Dir(t)
	if _, err := Listen(filepath.Join(dir, "missing", "a.sock"), ""); !errors.Is(err,
		fs.ErrNotExist) {
		t.Errorf("in a folder that is missing: %v", err)
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "by a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(taken, ""); err == nil {
		t.Error("at a folder: no error")
	}
	onlyFiles(t, dir, "taken")
}

// Close may come late, when the next cell has already put its own socket there.
func TestCloseRemovesOnlyItsOwn(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.sock")
	first := listen(t, path)
	os.Remove(path)
	second := listen(t, path)
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if !answers(t, second, path) {
		t.Error("closing the first removed the socket of the second")
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if exists(path) {
		t.Error("the socket's file is still there")
	}
	if err := second.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

// Whoever holds the lock is about to bind: the file is theirs to deal with, and Close
// does not wait for them.
func TestCloseLeavesTheFileToTheHolderOfTheLock(t *testing.T) {
	dir := hometest.Dir(t)
	path, lockPath := filepath.Join(dir, "a.sock"), filepath.Join(dir, "a.lock")
	l, err := Listen(path, lockPath)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := TryLock(lockPath)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	l.Close()
	if !exists(path) {
		t.Error("the file was removed under the lock of another")
	}
	if _, err := Dial(soon(t), path); !Missing(err) {
		t.Errorf("dialled after Close: %v", err)
	}
}

// A queue that is full is no reason to take a live cell's place, however long it stays so.
func TestListenTakesABusySocketForLive(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.sock")
	busy := full(t, path)
	if _, err := Listen(path, ""); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v", err)
	}
	busy.Close()
}

// A germination's first try comes as soon as the watch sees the file: from then on the
// socket has to answer, also when it takes the place of a dead one.
func TestListenAnswersFromTheMomentItIsSeen(t *testing.T) {
	dir := hometest.Dir(t)
	for round := range 300 {
		path := filepath.Join(dir, "a.sock")
		var dialled sync.WaitGroup
		started := make(chan struct{})
		dialled.Go(func() {
			close(started)
			for !exists(path) { // spins: the first instant is what is looked for
			}
			conn, err := net.Dial("unix", path)
			if err != nil {
				t.Errorf("round %d: %v", round, err)
				return
			}
			conn.Close()
		})
		<-started
		l, err := Listen(path, "")
		if err != nil {
			t.Fatal(err)
		}
		dialled.Wait()
		l.Close()
	}
}
