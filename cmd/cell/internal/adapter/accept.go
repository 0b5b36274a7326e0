package adapter

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/cellsocket"
	"github.com/cell-mesh/cell/internal/socket"
)

// grace is how long calls may go on when the cell is told to end.
const grace = 3 * time.Second

// call is a caller who was accepted.
type call struct {
	conn *net.UnixConn
	from string
}

// accept has each caller served, at most w.Most at once, until ctx ends or the cell
// leaves. Then it lets the calls under way go on for the grace period, cuts those that
// are left, and waits for all of them.
func (w Wrapper) accept(ctx context.Context, l *cellsocket.Listener,
	serve func(context.Context, call) error) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	defer l.Close()
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cut) })()

	most := w.Most
	if most == 0 {
		most = 128
	}
	room := make(chan struct{}, most)
	var told time.Time
	var serving sync.WaitGroup
	defer serving.Wait()
	pause := socket.FirstPause
	for {
		// programs that never end may hold it all
		if len(room) == most && time.Since(told) > time.Minute {
			w.note("%d calls are under way, and no more are taken until one of them ends", most)
			told = time.Now()
		}
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		conn, ended, err := l.Accept()
		// a call under way will give some back
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			<-room
			pause = socket.NextPause(pause)
			socket.Pause(ctx, pause)
			continue
		}
		if err != nil {
			return err
		}
		pause = socket.FirstPause
		serving.Go(func() {
			defer func() { <-room }()
			defer ended()
			c := call{conn, callerOf(conn)}
			if err := serve(calls, c); err != nil {
				w.note("a call from %s: %v", c.from, err)
			}
		})
	}
}
