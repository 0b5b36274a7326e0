package stem

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
)

// listenLocal opens the door for the user of this machine. The lock on the home is held.
func (s *Stem) listenLocal(ctx context.Context) (*socket.Listener, error) {
	door, err := socket.Listen(ctx, s.Home.StemSocket(), "")
	if err != nil {
		return nil, fmt.Errorf("open the stem's door: %w", err)
	}
	return door, nil
}

// serveLocal serves the Unix door until it is closed.
func (s *Stem) serveLocal(ctx context.Context, door *socket.Listener) error {
	pause := socket.FirstPause
	for {
		conn, err := door.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil { // out of file descriptors: what is under way will give some back
			s.Log.Warn("accept failed", "err", err)
			pause = socket.NextPause(pause)
			if socket.Pause(ctx, pause) != nil {
				return nil
			}
			continue
		}
		pause = socket.FirstPause
		if !sameUser(conn) || !s.begin() {
			conn.Close()
			continue
		}
		go func() { // drain waits for it
			defer s.work.Done()
			s.serve(ctx, Caller{}, pipe.Unix(conn))
		}()
	}
}

// sameUser is a second lock behind the socket's mode.
func sameUser(conn *net.UnixConn) bool {
	_, uid, err := socket.Owner(conn)
	return err == nil && (uid == os.Geteuid() || uid == 0)
}
