package stem

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

// listenLocal opens the door of this machine's user. The caller holds the lock on the home.
func (s *Stem) listenLocal() (Door, error) {
	door, err := socket.Listen(s.Home.StemSocket(), "")
	if err != nil {
		return nil, fmt.Errorf("open the stem's socket: %w", err)
	}
	return unixDoor{door}, nil
}

// unixDoor accepts processes of the stem's own user. The mode of the socket keeps others out;
// the check is a second lock.
type unixDoor struct{ *socket.Listener }

func (d unixDoor) Accept() (pipe.Stream, error) {
	for {
		conn, err := d.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if socket.SameUser(conn) {
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
		if err != nil { // out of file descriptors: calls that end give some back
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
		if !s.tasks.Go(func() { s.serve(ctx, gate.Caller{}, stream) }) {
			late.Go(func() { s.serveLate(stream) })
		}
	}
}

// serveLate answers while the stem is closing. Callers may still ask how a call ended, and
// cells may still report a cut. Everything else is refused.
func (s *Stem) serveLate(stream pipe.Stream) {
	stream.SetDeadline(time.Now().Add(time.Second))
	req, _, err := wire.ReadRequest(stream)
	if err == nil && (req.Verb == wire.End || req.Verb == wire.CutCall) {
		s.answer(context.Background(), stream, req)
		return
	}
	finish(stream, wire.No(wire.Refusal{Code: wire.Failed, Reason: errClosing.Error()}))
}
