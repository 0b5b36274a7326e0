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

// ErrIdle is returned by Accept once the cell was idle for too long. It matches
// net.ErrClosed, too.
var ErrIdle error = idleError{}

type idleError struct{}

func (idleError) Error() string        { return "stopped listening after the idle time" }
func (idleError) Is(target error) bool { return target == net.ErrClosed }

// firstCall is the least time that a cell waits for its first caller, because it was
// started in order to be called.
const firstCall = time.Second

// Listener is a cell's listening socket. With an idle time it counts its calls, and
// retires when there was none for that long:
//
//   - It takes the name's lock, so that nobody starts the cell meanwhile.
//   - It removes the socket's file, and makes the kernel refuse new callers, who then start
//     the cell again.
//   - It releases the lock and accepts the callers that are already in the queue.
//   - Once their calls have ended, Accept fails with ErrIdle.
//
// So a caller is either accepted here, or learns at once that it was not. While the last
// calls go on, the next process of the cell may already be running.
type Listener struct {
	*socket.Listener
	lock string
	idle time.Duration

	mu      sync.Mutex
	changed sync.Cond
	open    int       // number of current calls
	since   time.Time // when the last call ended
	retired bool      // the kernel refuses new callers
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

// Accept returns the next call. ended must be called when the call is over, once or more.
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

// next waits for a caller. After the listener has retired, it only takes those in the queue.
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

// tryAgain is the pause before an idle cell tries again to take the lock.
const tryAgain = 20 * time.Millisecond

// stay decides whether Accept goes on after an error of accept(2), or fails with the
// returned error. l.mu is held.
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
		return true, nil // another Accept has retired the listener
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return false, err
	case l.open > 0:
		return true, nil // a call came just at the deadline, and has removed it
	}
	if left := l.idle - time.Since(l.since); left > 0 {
		l.SetDeadline(time.Now().Add(left))
		return true, nil
	}
	lock, err := socket.TryLock(l.lock)
	if err != nil { // another process is about to check whether we are alive, so stay
		l.SetDeadline(time.Now().Add(tryAgain))
		return true, nil
	}
	defer lock.Unlock()
	l.retired = true
	return true, l.Retire()
}

// Close stops listening and removes the socket's file. Current calls go on. It may be called
// twice.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.changed.Broadcast()
	return err
}
