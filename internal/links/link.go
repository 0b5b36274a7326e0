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

// maxCalls is how many connections of one link are served at a time; who comes then waits
// in the socket's queue.
const maxCalls = 512

// link is one that is served.
type link struct {
	at       Listen
	to       address.Address
	kept     bool // guarded by Links
	listener net.Listener
	cut      context.CancelCauseFunc // ends the calls

	mu      sync.Mutex
	calls   int
	refused int
	last    time.Time
	reason  string
}

// listen opens the socket or port.
func listen(h home.Home, at Listen, to address.Address) (*link, error) {
	network, path, err := at.In(h)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		listener, err := listenUnix(path)
		return &link{at: at, to: to, listener: listener}, err
	}
	listener, err := net.Listen(network, path)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another process listens at %s: choose another port", at)
	}
	if err != nil {
		return nil, err
	}
	if at.any() {
		at.text = listener.Addr().String()
	}
	return &link{at: at, to: to, listener: listener}, nil
}

// listenUnix takes the place of a socket that a dead process left, and of nothing else.
func listenUnix(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	if err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s is there already, and is no socket: choose another path", path)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("there is no folder for %s: make it, or choose another path", path)
	}
	listener, err := socket.Listen(path, "")
	if errors.Is(err, socket.ErrInUse) {
		return nil, fmt.Errorf("another process listens at %s: choose another path", path)
	}
	if err != nil {
		return nil, err
	}
	return listener, nil
}

// close ends the link and its calls.
func (k *link) close(reason error) {
	k.listener.Close()
	k.cut(reason)
}

// serve makes a call of each connection, until the link is closed and all calls have ended.
func (k *link) serve(ctx context.Context, call Call) {
	defer k.listener.Close()
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
		conn, err := k.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors: a call under way will give some back
			<-room
			pause = socket.NextPause(pause)
			socket.Pause(ctx, pause)
			continue
		}
		pause = socket.FirstPause
		calls.Go(func() {
			defer func() { <-room }()
			k.serveOne(ctx, conn, call)
		})
	}
}

func (k *link) serveOne(ctx context.Context, conn net.Conn, call Call) {
	stream := pipe.Conn(conn)
	if unix, ok := conn.(*net.UnixConn); ok && !ours(unix) {
		stream.Abort(errors.New("another user's"))
		return
	}
	k.count(1)
	defer k.count(-1)
	if err := call(ctx, stream, k.to); err != nil {
		k.note(err)
	}
}

// ours is a second lock behind the socket's mode.
func ours(conn *net.UnixConn) bool {
	_, uid, err := socket.Owner(conn)
	return err == nil && (uid == os.Geteuid() || uid == 0)
}

func (k *link) count(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls += n
}

// note remembers why a call was refused.
func (k *link) note(reason error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refused++
	k.last, k.reason = time.Now(), reason.Error()
}

func (k *link) status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Status{k.at, plain(k.to), k.kept, k.calls, k.refused, k.last, k.reason}
}
