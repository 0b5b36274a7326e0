// Package socket dials and listens at Unix sockets that may have been left behind by a dead
// process:
//
//	conn, err := socket.Dial(ctx, path)
//	if socket.Missing(err) {
//		// no process listens at path
//	}
//
// Only connect(2) can tell. If a socket file refuses connections, its process is dead or
// does not listen yet; Alive tells the two apart. A process must hold the socket's lock to
// remove or replace it, so that two processes never bind the same name.
package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// Dial connects to the socket at path. If the queue of the process is full, or the process
// does not listen yet, Dial waits until ctx ends. Match the error with Missing.
func Dial(ctx context.Context, path string) (*net.UnixConn, error) {
	return retry(ctx, path, func() (*net.UnixConn, error) {
		return net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	})
}

// DialFrom is Dial, and binds a name to the calling end, which the accepting process reads
// with getpeername(2); see Caller. The name comes from NewCallerName and serves one
// connection. After a failed attempt, the name may still be in use until a child that
// another thread has forked calls exec; DialFrom waits for that, too.
func DialFrom(ctx context.Context, path, caller string) (*net.UnixConn, error) {
	return retry(ctx, path, func() (*net.UnixConn, error) {
		name, unbind := bindName(caller)
		defer unbind()
		return net.DialUnix("unix", &net.UnixAddr{Name: name, Net: "unix"},
			&net.UnixAddr{Name: path, Net: "unix"})
	})
}

// plain shortens an error to the socket's path and the errno.
func plain(path string, err error) error {
	var cause syscall.Errno
	if errors.As(err, &cause) {
		return fmt.Errorf("%s: %w", path, cause)
	}
	return err
}

// Missing reports whether a Dial failed because no process listens: the file does not exist,
// or its process is dead.
func Missing(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED)
}

// listenTimeout is how long a process may take from bind(2) to listen(2), which usually
// follows at once.
const listenTimeout = 10 * time.Second

// retry repeats dial with doubling pauses while the listener's queue is full (EAGAIN), our
// name is in use (EADDRINUSE), or a live process does not listen yet. The kernel has no event
// for these.
func retry(ctx context.Context, path string,
	dial func() (*net.UnixConn, error)) (*net.UnixConn, error) {
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

// FirstPause is the first pause between attempts where the kernel has no event to wait for;
// see NextPause.
const FirstPause = 100 * time.Microsecond

// NextPause doubles a pause, up to 20 ms.
func NextPause(pause time.Duration) time.Duration { return min(2*pause, 20*time.Millisecond) }

// Pause waits for d. If ctx ends first, it returns the error of ctx.
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
