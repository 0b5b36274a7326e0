package synapse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
)

// Dial connects to the cell at an address, NAME or NAME@PEER, and starts it if it is not
// running. The caller closes the Conn. ctx covers the call, and not the Conn. Match the
// error with ErrNotFound and its neighbours.
func Dial(ctx context.Context, addr string) (*Conn, error) { return DialWith(ctx, addr, nil) }

// DialWith is Dial with the first bytes of the call, which go along with the request
// instead of after its answer: that saves a round trip to a cell on another machine, for
// some 3 KiB of them. If the call is refused, they are dropped. If the cell takes no more
// than a part of them, the Conn is returned nevertheless: it may have something to say.
func DialWith(ctx context.Context, addr string, early []byte) (*Conn, error) {
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
	conn, err := dial(ctx, h, to, early)
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

// dialHere connects to the cell's socket. The stem is not involved unless nobody answers
// there, or the cell stands for a server, which may be down: then the stem, if one runs,
// can tell that from an end. A stem that ended before it answered may have passed on what
// was said already.
func dialHere(ctx context.Context, h home.Home, to address.Address, early []byte) (*Conn, error) {
	if forwards(h, to.Cell) {
		if conn, err := dialPeer(ctx, h, to, early); err != stemclient.ErrNoStem {
			return conn, err
		}
	}
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
	if err := say(ctx, conn, early); err != nil {
		conn.Close()
		return nil, err
	}
	return &Conn{unix: conn, remote: to}, nil
}

// forwards says whether a cell has settings and no program, as one has that stands for a
// server. Each call of a cell here pays for this: it asks for the settings first, which
// most have not, and of the kernel alone.
func forwards(h home.Home, cell address.Name) bool {
	program := h.DNA(cell)
	return syscall.Access(program+".toml", 0) == nil && syscall.Access(program, 0) != nil
}

// say writes the first bytes of a call, until ctx ends or the cell takes no more of them.
func say(ctx context.Context, conn *net.UnixConn, early []byte) error {
	if len(early) == 0 {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { conn.SetWriteDeadline(time.Unix(1, 0)) })
	_, err := conn.Write(early)
	if !stop() {
		return context.Cause(ctx)
	}
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

// germinate has the stem start the cell, and connects to it. A cell may end between its
// start and our connect, so that is tried a second time.
func germinate(ctx context.Context, h home.Home, cell address.Name,
	path string) (conn *net.UnixConn, err error) {
	for range 2 {
		var answer *stemclient.Answer
		if answer, err = stemclient.Ask(ctx, h,
			wire.Request{Verb: wire.Germinate, Object: cell.String()}); err != nil {
			return nil, err
		}
		answer.Conn.Close()
		if conn, err = socket.Dial(ctx, path); !socket.Missing(err) {
			return conn, err
		}
	}
	return nil, wire.Refusal{Code: wire.Failed, Reason: "the cell ended as soon as it had started"}
}

// dialPeer asks the stem to open the way; on a verdict of ok, the connection to the stem
// has become it.
func dialPeer(ctx context.Context, h home.Home, to address.Address, early []byte) (*Conn, error) {
	answer, err := stemclient.AskWith(ctx, h, wire.Request{Verb: wire.Open, Object: to.String()},
		early)
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
