package stem

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// listenLocal opens the door for the user of this machine. The lock on the home is held.
func (s *Stem) listenLocal() (Door, error) {
	door, err := socket.Listen(s.Home.StemSocket(), "")
	if err != nil {
		return nil, fmt.Errorf("open the stem's door: %w", err)
	}
	return unixDoor{door}, nil
}

// unixDoor lets in those who run as the same user as the stem.
type unixDoor struct{ *socket.Listener }

func (d unixDoor) Accept() (pipe.Stream, error) {
	for {
		conn, err := d.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if sameUser(conn) {
			return pipe.Unix(conn), nil
		}
		conn.Close()
	}
}

// serveLocal serves the local door until it is closed.
func (s *Stem) serveLocal(ctx context.Context, door Door) error {
	var late sync.WaitGroup
	defer late.Wait()
	pause := socket.FirstPause
	for {
		stream, err := door.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil { // out of file descriptors: what is under way will give some back
			if pause == socket.FirstPause {
				s.Log.Warn("accept failed", "err", err)
			}
			pause = socket.NextPause(pause)
			if socket.Pause(ctx, pause) != nil {
				return nil
			}
			continue
		}
		pause = socket.FirstPause
		if !s.tasks.Begin() {
			late.Go(func() { s.serveLate(stream) })
			continue
		}
		go func() { // drain waits for it
			defer s.tasks.Done()
			s.serve(ctx, Caller{}, stream)
		}()
	}
}

// serveLate answers while the stem is closing: how a call ended is told, by the cell and
// to its caller, and anything else refused.
func (s *Stem) serveLate(stream pipe.Stream) {
	stream.SetDeadline(time.Now().Add(time.Second))
	req, _, err := wire.ReadRequest(stream)
	if err == nil && (req.Verb == wire.End || req.Verb == wire.CutCall) {
		s.answer(context.Background(), stream, req)
		return
	}
	finish(stream, wire.No(wire.Refusal{Code: wire.Failed, Reason: "the stem is closing"}))
}

// sameUser is a second lock behind the socket's mode.
func sameUser(conn *net.UnixConn) bool {
	_, uid, err := socket.Owner(conn)
	return err == nil && (uid == os.Geteuid() || uid == 0)
}
