package stem

import (
	"context"
	"errors"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
)

// serveRemote serves one stream of another stem, whose key has proved that it is the caller. The network
// owns the goroutine.
func (s *Stem) serveRemote(ctx context.Context, caller address.ID, stream pipe.Stream) {
	if caller.IsZero() || !s.begin() {
		stream.Abort(errors.New("the stem is closing"))
		return
	}
	defer s.work.Done()
	s.serve(ctx, Caller{peer: caller}, stream)
}
