package cell

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/cell-mesh/cell/synapse"
)

// MaxAnswer is the longest answer Ask takes, in bytes.
const MaxAnswer = 16 << 20

// Ask calls the cell at an address, sends it the whole question, and returns the whole
// answer. It is for cells that read to the end before they answer. ctx covers the call.
func Ask(ctx context.Context, address string, question []byte) ([]byte, error) {
	conn, err := synapse.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	answer, err := exchange(ctx, conn, question)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", address, err)
	}
	return answer, nil
}

// halfCloser is a net.Conn whose writing side ends separately, which *synapse.Conn is.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

func exchange(ctx context.Context, conn halfCloser, question []byte) ([]byte, error) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()

	_, unsent := conn.Write(question)
	if unsent == nil {
		unsent = conn.CloseWrite()
	}
	// A cell that takes no more may have said why, so its answer counts before the failed write.
	answer, err := io.ReadAll(io.LimitReader(conn, MaxAnswer+1))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(answer) > MaxAnswer:
		return nil, fmt.Errorf("answer too long: more than %d MiB", MaxAnswer>>20)
	case unsent != nil && len(answer) == 0:
		return nil, unsent
	case err != nil:
		return nil, err
	}
	return answer, nil
}
