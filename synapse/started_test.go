package synapse

import (
	"testing"
	"time"
)

// The stem holds the name's lock while it waits for the cell it started: taking it too
// would be waiting for each other. It holds it once, so the second time is as for any
// process.
func TestListenWhenStartedByTheStem(t *testing.T) {
	h := madeHome(t)
	stems := lock(t, h, "greet")
	t.Setenv("CELL_NAME", "greet")
	t.Setenv("CELL_STARTED", "1")
	mustListen(t, "other") // is not what was started
	l, err := Listen("greet")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()

	listening := make(chan error)
	go func() {
		again, err := Listen("greet")
		if err == nil {
			again.Close()
		}
		listening <- err
	}()
	select {
	case err := <-listening:
		t.Errorf("the second time, it did not wait for the lock: %v", err)
		return
	case <-time.After(30 * time.Millisecond): // many tries long
	}
	stems.Unlock()
	if err := <-listening; err != nil {
		t.Error(err)
	}
}

// Two that start by themselves do it one after the other.
func TestListenTakesTheLock(t *testing.T) {
	h := madeHome(t)
	others := lock(t, h, "greet")
	listening := make(chan error)
	go func() {
		l, err := Listen("greet")
		if err == nil {
			l.Close()
		}
		listening <- err
	}()
	select {
	case err := <-listening:
		t.Errorf("it did not wait for the lock: %v", err)
		return
	case <-time.After(30 * time.Millisecond): // many tries long
	}
	others.Unlock()
	if err := <-listening; err != nil {
		t.Error(err)
	}
	lock(t, h, "greet").Unlock() // it has given the lock back
}
