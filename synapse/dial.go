package synapse

import (
	"context"
	"fmt"
	"net"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/door"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// Dial connects to the cell at an address, NAME or NAME@PEER, and starts it if it is not running. The caller closes
// the Conn. ctx covers the call, and not the Conn. Match the error with ErrNotFound and its neighbours.
func Dial(ctx context.Context, addr string) (*Conn, error) {
	to, err := address.Parse(addr)
	if err != nil {
		return nil, err
	}
	h, err := home.Default()
	if err != nil {
		return nil, err
	}
	dial := dialPeer
	if to.Peer.IsLocal() {
		dial = dialHere
	}
	conn, err := dial(ctx, h, to)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", withoutKey(to), err)
	}
	return conn, nil
}

// withoutKey keeps the secret out of errors and logs.
func withoutKey(a address.Address) address.Address {
	a.Key = ""
	return a
}

// dialHere connects to the cell's socket. The stem is not involved unless nobody answers there.
func dialHere(ctx context.Context, h home.Home, to address.Address) (*Conn, error) {
	path, err := h.Socket(to.Cell)
	if err != nil {
		return nil, err
	}
	conn, err := socket.Dial(ctx, path)
	if socket.Missing(err) {
		conn, err = germinate(ctx, h, to.Cell, path)
	}
	if err != nil {
		return nil, err
	}
	return &Conn{unix: conn, remote: to}, nil
}

// germinate has the stem start the cell, and connects to it. A cell may end between its start and our connect, so that
// is tried a second time.
func germinate(ctx context.Context, h home.Home, cell address.Name, path string) (conn *net.UnixConn, err error) {
	for range 2 {
		var answer *door.Answer
		if answer, err = door.Ask(ctx, h, wire.Request{Verb: wire.Germinate, Object: cell.String()}); err != nil {
			return nil, err
		}
		answer.Conn.Close()
		if conn, err = socket.Dial(ctx, path); !socket.Missing(err) {
			return conn, err
		}
	}
	return nil, wire.Refusal{Code: wire.Failed, Reason: "the cell ended as soon as it had started"}
}

// dialPeer asks the stem to open the way; on a verdict of ok, the connection to the stem has become it.
func dialPeer(ctx context.Context, h home.Home, to address.Address) (*Conn, error) {
	answer, err := door.Ask(ctx, h, wire.Request{Verb: wire.Open, Object: to.String()})
	if err != nil {
		return nil, err
	}
	return &Conn{
		unix:   answer.Conn,
		rest:   answer.Rest,
		remote: withoutKey(to),
		end:    &ending{home: h, call: answer.Pairs.Get("call")},
	}, nil
}
