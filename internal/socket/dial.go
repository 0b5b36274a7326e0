// Package socket finds out who is alive at a Unix socket, and takes a socket's place when
// nobody is.
//
// connect(2) alone tells: a socket file that refuses connections was left behind by a
// process that is gone, or is about to be listened on by one that is there; Alive tells
// the two apart. Whoever removes one holds the lock that belongs to it, so that two never
// bind the same name.
package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// Dial connects to the socket at path. A live process whose queue is full is waited for
// until ctx ends, and so is one that has bound its socket and is about to listen. Match
// the error with Missing.
func Dial(ctx context.Context, path string) (*net.UnixConn, error) {
	return retry(ctx, path, func() (*net.UnixConn, error) {
		return net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	})
}

// DialFrom is Dial with a name bound to the calling end, which the accepting process
// reads with getpeername(2); see Caller. The name is one of NewCallerName's, and used for
// this connection alone. After a try that failed it may be taken for as long as a child
// that another thread has forked takes to execute its program; that is waited for, too.
func DialFrom(ctx context.Context, path, caller string) (*net.UnixConn, error) {
	return retry(ctx, path, func() (*net.UnixConn, error) {
		name, unbind := bindName(caller)
		defer unbind()
		return net.DialUnix("unix", &net.UnixAddr{Name: name, Net: "unix"},
			&net.UnixAddr{Name: path, Net: "unix"})
	})
}

// plain names the socket, and the reason in a word.
func plain(path string, err error) error {
	var cause syscall.Errno
	if errors.As(err, &cause) {
		return fmt.Errorf("%s: %w", path, cause)
	}
	return err
}

// Missing says whether a Dial failed because nobody listens there: no such file, or one
// left by a dead process.
func Missing(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED)
}

// listenTimeout is how long a process may take from bind(2) to listen(2), which usually
// follows at once.
const listenTimeout = 10 * time.Second

// retry repeats dial with doubling pauses while the listener's queue is full (EAGAIN),
// while our name is taken (EADDRINUSE), and while a live process does not listen yet. The
// kernel offers nothing to wait on in either case.
func retry(ctx context.Context, path string, dial func() (*net.UnixConn, error)) (*net.UnixConn, error) {
	began := time.Now()
	for pause := FirstPause; ; pause = NextPause(pause) {
		conn, err := dial()
		switch {
		case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EADDRINUSE):
			err = fmt.Errorf("busy: %w", err)
		case errors.Is(err, syscall.ECONNREFUSED):
			alive, probeErr := Alive(path)
			if !alive {
				return nil, errors.Join(err, probeErr)
			}
			err = errors.New("its process does not listen")
			if time.Since(began) > listenTimeout {
				return nil, err
			}
		default:
			return conn, plain(path, err)
		}
		if Pause(ctx, pause) != nil {
			return nil, err
		}
	}
}

// FirstPause is the first of the pauses between tries where the kernel tells no event;
// see NextPause.
const FirstPause = 100 * time.Microsecond

// NextPause doubles a pause, up to 20 ms.
func NextPause(pause time.Duration) time.Duration { return min(2*pause, 20*time.Millisecond) }

// Pause waits for d, or returns the error of ctx when that ends first.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
