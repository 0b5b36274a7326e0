package cellsocket

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
)

// ErrIdle is what Accept fails with once the cell has left because nobody used it. It is
// a net.ErrClosed, too.
var ErrIdle error = idleError{}

type idleError struct{}

func (idleError) Error() string        { return "left, since nobody has called for a while" }
func (idleError) Is(target error) bool { return target == net.ErrClosed }

// firstCall is how long at least a cell waits for its first caller: it was started in
// order to be called.
const firstCall = time.Second

// Listener is a cell's listening socket. One that was given an idle time counts its
// calls, and leaves when there was none for so long:
//
//	it takes the name's lock, so that nobody starts the cell meanwhile;
//	it removes the socket's file and has the kernel refuse new callers, who find nobody and have the cell started anew;
//	it gives the lock back, accepts who was in the queue already, and
//	when their calls have ended, Accept fails with ErrIdle.
//
// So every caller is either accepted here or knows at once that it was not. While a late
// one is served, the next process may be running already: for that long there are two.
type Listener struct {
	*socket.Listener
	lock string
	idle time.Duration

	mu      sync.Mutex
	changed sync.Cond
	open    int       // calls under way
	since   time.Time // when the last of them ended
	retired bool      // no more are let in
	closed  bool
}

func listen(path, lock string, idle time.Duration) (*Listener, error) {
	inner, err := socket.Listen(path, lock)
	if err != nil {
		return nil, err
	}
	l := &Listener{Listener: inner, lock: lock, idle: idle}
	l.changed.L = &l.mu
	if idle > 0 {
		l.since = time.Now().Add(max(0, firstCall-idle))
		l.SetDeadline(l.since.Add(idle))
	}
	return l, nil
}

// Accept returns the next caller. ended must be called when the call is over; calling it
// twice is fine.
func (l *Listener) Accept() (conn *net.UnixConn, ended func(), err error) {
	for {
		conn, err := l.next()
		l.mu.Lock()
		if err == nil {
			l.begin()
			l.mu.Unlock()
			return conn, sync.OnceFunc(l.end), nil
		}
		again, err := l.stay(err)
		l.mu.Unlock()
		if !again {
			return nil, nil, err
		}
	}
}

// next waits for a caller and, once no more are let in, takes those in the queue.
func (l *Listener) next() (*net.UnixConn, error) {
	l.mu.Lock()
	retired := l.retired
	l.mu.Unlock()
	if retired {
		return l.AcceptQueued()
	}
	return l.AcceptUnix()
}

// begin counts a call. l.mu is held.
func (l *Listener) begin() {
	l.open++
	if l.idle > 0 && !l.retired {
		l.SetDeadline(time.Time{})
	}
}

func (l *Listener) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	l.since = time.Now()
	if l.idle > 0 && l.open == 0 && !l.retired {
		l.SetDeadline(l.since.Add(l.idle))
	}
	l.changed.Broadcast()
}

// tryAgain is how long a cell whose time is up waits for the lock to be given back.
const tryAgain = 20 * time.Millisecond

// stay decides what an error of accept(2) means: to go on, or to leave with the error
// returned. l.mu is held.
func (l *Listener) stay(err error) (again bool, _ error) {
	switch {
	case l.closed, l.idle == 0, errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return false, err
	case l.retired && errors.Is(err, socket.ErrEmpty):
		for l.open > 0 && !l.closed {
			l.changed.Wait()
		}
		l.closed = true
		l.Listener.Close()
		return false, ErrIdle
	case l.retired:
		return true, nil // another Accept found the time to be up
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return false, err
	case l.open > 0:
		return true, nil // the time was up just as a call came, which has lifted the deadline
	}
	if left := l.idle - time.Since(l.since); left > 0 {
		l.SetDeadline(time.Now().Add(left))
		return true, nil
	}
	lock, err := socket.TryLock(l.lock)
	if err != nil { // somebody is about to look whether we are here: we are
		l.SetDeadline(time.Now().Add(tryAgain))
		return true, nil
	}
	defer lock.Unlock()
	l.retired = true
	return true, l.Retire()
}

// Close stops listening and removes the socket's file. Calls go on. Closing twice is fine.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.changed.Broadcast()
	return err
}
