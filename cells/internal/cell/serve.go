package cell

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"sync"
	"syscall"
	"time"
)

// server is a cell at its socket.
type server struct {
	Cell
	log    *log.Logger
	grace  time.Duration // how long calls under way may go on after the end was asked for
	linger time.Duration // how long to wait for a caller to take note that the call is over
}

// serve accepts until ctx ends, which closes the listener, and returns when the last call
// has ended: by itself, or cut when the grace is over.
func (s server) serve(ctx context.Context, listener net.Listener) {
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stop := context.AfterFunc(ctx, func() {
		listener.Close()
		time.AfterFunc(s.grace, cut)
	})
	defer stop()

	var group sync.WaitGroup
	defer group.Wait()
	places := make(chan struct{}, s.places())
	for {
		// The place comes before the caller, so that who must wait does so in the
		// socket's own queue.
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		conn, err := listener.Accept()
		switch {
		case err == nil:
			group.Go(func() {
				defer func() { <-places }()
				s.call(calls, conn)
			})
		case ctx.Err() != nil:
			return
		default: // out of file descriptors, most likely: calls that end will free some
			s.log.Print(err)
			<-places
			pause(ctx, 100*time.Millisecond)
		}
	}
}

func (s server) places() int {
	if s.AtOnce == 0 {
		return 1000
	}
	return s.AtOnce
}

// call serves one call within its time.
func (s server) call(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if s.Time > 0 {
		limited, cancel := context.WithTimeout(ctx, s.Time)
		defer cancel()
		ctx = limited
		deadline, _ := ctx.Deadline()
		conn.SetReadDeadline(deadline)
		conn.SetWriteDeadline(deadline.Add(s.grace)) // who took too long can still be told so
	}
	if err := s.Serve(ctx, conn); err != nil {
		if !hungUp(err) {
			s.log.Print(err)
		}
		return
	}
	s.end(conn)
}

// hungUp says whether a call failed since its caller left, which is the caller's right and no news.
func hungUp(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// end ends the answer, and then drops what the caller still sends. Closing at once, input
// unread, would break the caller's writing before it had a chance to read the answer.
func (s server) end(conn net.Conn) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	conn.SetReadDeadline(time.Now().Add(s.linger))
	io.Copy(io.Discard, conn)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
