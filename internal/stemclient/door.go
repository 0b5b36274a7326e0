// Package stemclient asks the stem of this machine, at its Unix socket. Nothing is
// started here: if no stem runs, that is the answer.
package stemclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// ErrNoStem is returned when nobody answers at stem.sock.
var ErrNoStem = errors.New("no stem is running")

// Answer is a request that was granted.
type Answer struct {
	// Conn carries what the request was for. Whoever asked closes it.
	Conn *net.UnixConn
	// Pairs came with the verdict.
	Pairs wire.Pairs
	// Rest was read behind the verdict and comes before what Conn reads next.
	Rest []byte
}

// Ask sends a request to the home's stem and reads the verdict. A refusal is an error
// that wraps a wire.Refusal; no stem is ErrNoStem, and so is one that ends before it has
// answered. ctx covers the call, and not the connection.
func Ask(ctx context.Context, h home.Home, req wire.Request) (*Answer, error) {
	return AskWith(ctx, h, req, nil)
}

// AskWith is Ask with bytes that follow the request at once. If it is refused, they are dropped.
func AskWith(ctx context.Context, h home.Home, req wire.Request, early []byte) (*Answer, error) {
	conn, err := socket.Dial(ctx, h.StemSocket())
	if socket.Missing(err) {
		return nil, ErrNoStem
	}
	if err != nil {
		return nil, err
	}
	answer, err := ask(ctx, conn, append([]byte(req.String()), early...))
	if err != nil {
		conn.Close()
		return nil, err
	}
	return answer, nil
}

func ask(ctx context.Context, conn *net.UnixConn, words []byte) (*Answer, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	pairs, rest, err := exchange(conn, words)
	if !stop() { // ctx ended: the deadline has passed, or is about to
		return nil, context.Cause(ctx)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || isReset(err) {
		return nil, fmt.Errorf("%w any more: it ended before it answered", ErrNoStem)
	}
	if err != nil {
		return nil, err
	}
	return &Answer{conn, pairs, rest}, nil
}

func exchange(conn *net.UnixConn, words []byte) (wire.Pairs, []byte, error) {
	if _, err := conn.Write(words); err != nil && !isReset(err) {
		return nil, nil, err // after a reset, a verdict may still wait to be read
	}
	return wire.ReadVerdict(conn)
}

// isReset says whether the stem closed without having read what was sent.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
