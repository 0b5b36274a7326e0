package stemclient

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// cutTimeout is long, so that the message arrives even under heavy load. A cut that is not
// reported counts as an orderly end.
const cutTimeout = 30 * time.Second

// Cut tells the home's stem that a cell cannot finish a call. remote is the caller's name
// from getpeername(2). The cell calls Cut before it closes the socket, since closing alone
// is an orderly end. Cut does nothing for a local process that connected directly, because
// no stem is in between. Errors are ignored: without a stem the call is over anyway.
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
