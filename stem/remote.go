package stem

import (
	"context"
	"errors"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/stem/gate"
)

var errClosing = errors.New("the stem is closing")

// serveRemote serves one stream of another stem. The handshake has proved the caller's ID.
func (s *Stem) serveRemote(ctx context.Context, caller address.ID, stream pipe.Stream) {
	if caller.IsZero() || !s.tasks.Begin() {
		stream.Abort(errClosing)
		return
	}
	defer s.tasks.Done()
	s.serve(ctx, gate.Caller{Peer: caller}, stream)
}
