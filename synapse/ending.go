package synapse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
)

// ending finds out how a call through the stem ended. The stem's socket always reads as a
// clean end of file, so at the end of file we ask the stem, once.
type ending struct {
	home home.Home
	call string
	once sync.Once
	err  error
}

// endTimeout is generous, because the stem answers from memory.
const endTimeout = 5 * time.Second

// verdict returns io.EOF for an orderly end, and wraps io.ErrUnexpectedEOF for a cut.
func (e *ending) verdict() error {
	e.once.Do(func() { e.err = e.ask() })
	return e.err
}

func (e *ending) ask() error {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	answer, err := stemclient.Ask(ctx, e.home, wire.Request{Verb: wire.End, Object: e.call})
	switch {
	case err == nil:
		answer.Conn.Close()
		return io.EOF
	case errors.Is(err, stemclient.ErrNoStem):
		return fmt.Errorf("%w: the stem of this machine ended", io.ErrUnexpectedEOF)
	default:
		return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	}
}
