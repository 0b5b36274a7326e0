package links

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
)

// maxCalls is how many connections of one listener are served at a time. More wait in the
// socket's queue.
const maxCalls = 512

// listener serves one link or forward.
type listener struct {
	net.Listener
	at   Listen
	to   address.Address
	kept bool                    // guarded by Links
	cut  context.CancelCauseFunc // ends the calls

	mu      sync.Mutex
	calls   int
	refused int
	last    time.Time
	reason  string
}

// listen opens the socket or port.
func listen(h home.Home, at Listen, to address.Address) (*listener, error) {
	network, path, err := at.In(h)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		l, err := listenUnix(path)
		return &listener{Listener: l, at: at, to: to}, err
	}
	l, err := net.Listen(network, path)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another process listens at %s: choose another port", at)
	}
	if err != nil {
		return nil, err
	}
	if at.any() {
		at.text = l.Addr().String()
	}
	return &listener{Listener: l, at: at, to: to}, nil
}

// listenUnix replaces the socket of a dead process, but no other file.
func listenUnix(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	if err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s exists and is not a socket: choose another path", path)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("the folder of %s does not exist: make it, or choose another "+
			"path", path)
	}
	l, err := socket.Listen(path, "")
	if errors.Is(err, socket.ErrInUse) {
		return nil, fmt.Errorf("another process listens at %s: choose another path", path)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// close stops listening and cuts the calls.
func (l *listener) close(reason error) {
	l.Close()
	l.cut(reason)
}

// serve calls the cell for each connection, until the listener is closed and all calls have ended.
func (l *listener) serve(ctx context.Context, call Call) {
	defer l.Close()
	var calls sync.WaitGroup
	defer calls.Wait()
	room := make(chan struct{}, maxCalls)
	pause := socket.FirstPause
	for {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors: calls that end give some back
			<-room
			pause = socket.NextPause(pause)
			socket.Pause(ctx, pause)
			continue
		}
		pause = socket.FirstPause
		calls.Go(func() {
			defer func() { <-room }()
			l.serveOne(ctx, conn, call)
		})
	}
}

func (l *listener) serveOne(ctx context.Context, conn net.Conn, call Call) {
	stream := pipe.Conn(conn)
	if unix, ok := conn.(*net.UnixConn); ok && !socket.SameUser(unix) {
		stream.Abort(errors.New("another user connected"))
		return
	}
	l.count(1)
	defer l.count(-1)
	if err := call(ctx, stream, l.to); err != nil {
		l.refuse(err)
	}
}

func (l *listener) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls += n
}

// refuse records why a call was refused.
func (l *listener) refuse(reason error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused++
	l.last, l.reason = time.Now(), reason.Error()
}

func (l *listener) status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Status{l.at, withoutKey(l.to), l.kept, l.calls, l.refused, l.last, l.reason}
}
