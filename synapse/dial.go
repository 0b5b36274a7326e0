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
// running. The caller must close the Conn. ctx applies to connecting only: once Dial has
// returned, it does not affect the Conn. Match errors with ErrNotFound and the errors next
// to it.
func Dial(ctx context.Context, addr string) (*Conn, error) { return DialWith(ctx, addr, nil) }

// DialWith is Dial, and also sends the first bytes of the call. They travel with the
// request instead of waiting for its answer. This saves a round trip to another machine
// for up to about 3 KiB. If the call is refused, the bytes are dropped. If the cell reads
// only a part of them, DialWith still succeeds, because the cell may have an answer.
func DialWith(ctx context.Context, addr string, early []byte) (*Conn, error) {
	to, err := address.Parse(addr)
	if err != nil {
		return nil, err
	}
	return DialAddress(ctx, to, early)
}

// DialAddress is DialWith for the programs of this module, which have already parsed the
// address. Other programs cannot import its type.
func DialAddress(ctx context.Context, to address.Address, early []byte) (*Conn, error) {
	h, err := home.Default()
	if err != nil {
		return nil, err
	}
	return DialFrom(ctx, h, to, early)
}

// DialFrom is DialAddress for a home other than the default one. Other programs cannot
// import its types.
func DialFrom(ctx context.Context, h home.Home, to address.Address,
	early []byte) (*Conn, error) {
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

// withoutKey removes the secret, which must not appear in errors and logs.
func withoutKey(a address.Address) address.Address {
	a.Key = ""
	return a
}

// dialHere connects to the cell's socket. It asks the stem only if nobody answers there, or
// if the cell forwards to a server: the stem, if one is running, can tell a server that is
// down from an orderly end. Only a plain ErrNoStem leads on to the socket: a stem that
// ended before it answered may already have passed on the early bytes.
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
	if err := send(ctx, conn, early); err != nil {
		conn.Close()
		return nil, err
	}
	return &Conn{unix: conn, remote: to}, nil
}

// forwards reports whether a cell forwards to a server: it has settings and no program. It
// checks the settings first, which most cells lack, because every local call pays for this.
func forwards(h home.Home, cell address.Name) bool {
	program := h.DNA(cell)
	return syscall.Access(program+".toml", 0) == nil && syscall.Access(program, 0) != nil
}

// send writes the early bytes, until ctx ends or the cell reads no more.
func send(ctx context.Context, conn *net.UnixConn, early []byte) error {
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

// germinate asks the stem to start the cell, and connects to it. It tries twice, since the
// cell may end between its start and our connect.
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

// dialPeer asks the stem to open a call. Once it is granted, the connection to the stem
// carries the call.
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
