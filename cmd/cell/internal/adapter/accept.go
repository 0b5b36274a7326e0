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

// grace is how long open calls may continue when the cell is asked to end.
const grace = 3 * time.Second

// call is an accepted call.
type call struct {
	conn *net.UnixConn
	from string
}

// accept serves calls, at most a.Most at once, until ctx ends or the cell is idle. Then it
// gives open calls the grace period, cuts the rest, and waits for all of them.
func (a Adapter) accept(ctx context.Context, l *cellsocket.Listener,
	serve func(context.Context, call) error) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	defer l.Close()
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, cut) })()

	most := a.Most
	if most == 0 {
		most = 128
	}
	room := make(chan struct{}, most)
	var told time.Time
	var serving sync.WaitGroup
	defer serving.Wait()
	pause := socket.FirstPause
	for {
		// programs that never end may use up all of it
		if len(room) == most && time.Since(told) > time.Minute {
			a.note("%d calls are open, the limit: new calls wait until one of them ends", most)
			told = time.Now()
		}
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		conn, ended, err := l.Accept()
		// an open call will free some descriptors when it ends
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
				a.note("a call from %s: %v", c.from, err)
			}
		})
	}
}
