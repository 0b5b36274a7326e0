package socket

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// Two that held one lock would bind one name.
func TestTryLock(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.lock")
	lock, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(path); !errors.Is(err, ErrLocked) {
		t.Errorf("while it is held: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the lock's file: %v, %v", info.Mode(), err)
	}
	lock.Unlock()
	again, err := TryLock(path)
	if err != nil {
		t.Fatalf("after Unlock: %v", err)
	}
	again.Unlock()
	if !exists(path) {
		t.Error("the lock's file is gone: two could hold locks on two files of one name")
	}
}

func TestWaitLockWaitsUntilUnlock(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.lock")
	first, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		lock *Lock
		err  error
	}
	done := make(chan result)
	ctx := soon(t)
	go func() {
		lock, err := WaitLock(ctx, path)
		done <- result{lock, err}
	}()
	select {
	case <-done:
		t.Fatal("taken while another held it")
	case <-time.After(30 * time.Millisecond): // many tries long
	}
	first.Unlock()
	second := <-done
	if second.err != nil {
		t.Fatal(second.err)
	}
	second.lock.Unlock()
}

func TestWaitLockEndsWithItsContext(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.lock")
	lock, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := WaitLock(ctx, path); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v", err)
	}
	if _, err := WaitLock(soon(t), filepath.Join(path, "below a file")); errors.Is(err,
		ErrLocked) || err == nil {
		t.Errorf("a lock that can't be: %v", err)
	}
	if _, err := WaitLock(soon(t), filepath.Join(filepath.Dir(path), "none",
		"a.lock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is missing: %v", err)
	}
}
