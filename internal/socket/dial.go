// Package socket finds out who is alive at a Unix socket, and takes a socket's place when nobody is.
//
// connect(2) alone tells: a socket file that refuses connections was left behind by a process that is gone.
// Whoever removes one holds the lock that belongs to it, so that two never bind the same name.
package socket

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// Dial connects to the socket at path. A live process whose queue is full is waited for until ctx ends.
// Match the error with Missing.
func Dial(ctx context.Context, path string) (*net.UnixConn, error) {
	return retryBusy(ctx, func() (*net.UnixConn, error) {
		return net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	})
}

// DialFrom is Dial with a name bound to the calling end, which the accepting process reads with getpeername(2);
// see Caller. peer must be a peer ID in text form.
func DialFrom(ctx context.Context, path, peer string) (*net.UnixConn, error) {
	return retryBusy(ctx, func() (*net.UnixConn, error) {
		for {
			var random [8]byte
			rand.Read(random[:]) // never fails
			name, unbind := callerName(peer, hex.EncodeToString(random[:]))
			conn, err := net.DialUnix("unix", &net.UnixAddr{Name: name, Net: "unix"}, &net.UnixAddr{Name: path, Net: "unix"})
			unbind()
			if !errors.Is(err, syscall.EADDRINUSE) {
				return conn, err
			}
		}
	})
}

// Missing says whether a Dial failed because nobody listens there: no such file, or one left by a dead process.
func Missing(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED)
}

// retryBusy repeats dial with doubling pauses while the listener's queue is full: EAGAIN is a live, busy process,
// and the kernel offers nothing to wait on.
func retryBusy(ctx context.Context, dial func() (*net.UnixConn, error)) (*net.UnixConn, error) {
	for pause := FirstPause; ; pause = NextPause(pause) {
		conn, err := dial()
		if !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
		if Pause(ctx, pause) != nil {
			return nil, fmt.Errorf("busy: %w", err)
		}
	}
}

// FirstPause is the first of the pauses between tries where the kernel tells no event; see NextPause.
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
