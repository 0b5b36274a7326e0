// Package stemclient sends requests to the stem of this machine, through its Unix socket:
//
//	answer, err := stemclient.Ask(ctx, h, wire.Request{Verb: wire.Status})
//	if err != nil {
//		return err // ErrNoStem if no stem is running
//	}
//	defer answer.Conn.Close()
//
// It never starts a stem.
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

// ErrNoStem is returned when no stem listens at stem.sock.
var ErrNoStem = errors.New("no stem is running")

// Answer is the stem's answer to a request that it has granted.
type Answer struct {
	// Conn carries the data of the request. The caller must close it.
	Conn *net.UnixConn
	// Pairs came with the verdict.
	Pairs wire.Pairs
	// Rest was received together with the verdict. It comes before the data from Conn.
	Rest []byte
}

// Ask sends a request to the home's stem and reads the verdict. If the stem refuses, the
// error wraps a wire.Refusal. If there is no stem, or it ends before it answers, the error
// wraps ErrNoStem. ctx applies to the request, and not to the connection afterwards.
func Ask(ctx context.Context, h home.Home, req wire.Request) (*Answer, error) {
	return AskWith(ctx, h, req, nil)
}

// AskWith is Ask, and sends early right behind the request. A refusal drops these bytes.
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

func ask(ctx context.Context, conn *net.UnixConn, request []byte) (*Answer, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	pairs, rest, err := exchange(conn, request)
	if !stop() { // ctx has ended, so the deadline is in the past or about to be set
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

func exchange(conn *net.UnixConn, request []byte) (wire.Pairs, []byte, error) {
	if _, err := conn.Write(request); err != nil && !isReset(err) {
		return nil, nil, err // after a reset, a verdict may still be readable
	}
	return wire.ReadVerdict(conn)
}

// isReset reports whether the stem closed without reading all of the request.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
