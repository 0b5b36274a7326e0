package stemclient

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// cutTimeout is how long the stem may take to hear of a cut, be the machine as busy as it
// may: what is not told is taken for an orderly end.
const cutTimeout = 30 * time.Second

// Cut tells the home's stem that a cell can't finish the call of a caller, whom it knows
// by the name that getpeername(2) gave, before it closes the socket, which reads as an
// orderly end. A process of this machine that has connected by itself has nobody in
// between who could be told, and the call of one whose stem has gone is over.
func Cut(h home.Home, remote string) {
	caller, ok := socket.CallerName(remote)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cutTimeout)
	defer cancel()
	if answer, err := Ask(ctx, h, wire.Request{Verb: wire.CutCall, Object: caller}); err == nil {
		answer.Conn.Close()
	}
}
