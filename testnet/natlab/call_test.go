//go:build linux

package natlab

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
)

// call is a conversation with an echo.
type call struct{ *stemclient.Answer }

// call calls the echo of another stem, as `cell connect` does, but from this process,
// whose start would be measured, too. It returns when the first byte has come back.
func (s *stem) call(ctx context.Context, to *stem) (call, error) {
	answer, err := stemclient.Ask(ctx, s.home,
		wire.Request{Verb: wire.Open, Object: "echo@" + to.id})
	if err != nil {
		return call{}, err
	}
	c := call{answer}
	if err := c.echo(ctx); err != nil {
		c.Conn.Close()
		return call{}, err
	}
	return c, nil
}

func (c call) echo(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	c.Conn.SetDeadline(deadline)
	if _, err := c.Conn.Write([]byte{'!'}); err != nil {
		return err
	}
	heard := make([]byte, 1)
	if _, err := io.ReadFull(io.MultiReader(bytes.NewReader(c.Rest), c.Conn), heard); err != nil {
		return err
	}
	if heard[0] != '!' {
		return fmt.Errorf("the echo of '!' is %q", heard)
	}
	return nil
}
