package rawio

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// New returns the connection with a cheaper Read and Write. What is not a socket is
// returned unchanged.
func New(conn net.Conn) net.Conn {
	socket, ok := conn.(syscall.Conn)
	if !ok || !enabled {
		return conn
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return conn
	}
	c := &rawConn{Conn: conn, raw: raw}
	c.in.try, c.out.try = c.in.tryRead, c.out.tryWrite
	return c
}

type rawConn struct {
	net.Conn
	raw syscall.RawConn
	in  half
	out half
}

// half is one direction, and the state of one Read or Write in it.
type half struct {
	try func(fd uintptr) bool // allocated once

	mu    sync.Mutex // held by Read or Write
	reads Reads
	rest  []byte // still to be filled or written
	n     int    // bytes done
	err   error
}

func (c *rawConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return c.Conn.Read(p)
	}
	n, err := c.in.run(p, c.raw.Read)
	if err == nil && n == 0 {
		return 0, io.EOF
	}
	return n, explain(c.Conn, "read", "read", c.RemoteAddr(), err)
}

func (c *rawConn) Write(p []byte) (int, error) {
	n, err := c.out.run(p, c.raw.Write)
	return n, explain(c.Conn, "write", "write", c.RemoteAddr(), err)
}

// run calls try whenever the socket is ready, until try returns true.
func (h *half) run(p []byte, whenReady func(try func(fd uintptr) (done bool)) error) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rest, h.n, h.err = p, 0, nil
	err := whenReady(h.try)
	h.rest = nil // the caller owns it
	if err == nil {
		err = h.err
	}
	return h.n, err
}

func (h *half) tryRead(fd uintptr) (done bool) {
	h.n, h.err = h.reads.Read(fd, h.rest)
	return h.err != syscall.EAGAIN
}

func (h *half) tryWrite(fd uintptr) (done bool) {
	for len(h.rest) > 0 {
		n, err := again(write, fd, h.rest)
		if err == syscall.EAGAIN {
			return false
		}
		if err == nil && n == 0 {
			err = syscall.EIO // sockets don't do this; without it the loop would be endless
		}
		if err != nil {
			h.err = err
			return true
		}
		h.n += n
		h.rest = h.rest[n:]
	}
	return true
}

// explain returns the error that package net would return.
func explain(conn interface{ LocalAddr() net.Addr }, operation, call string, peer net.Addr,
	err error) error {
	if err == nil {
		return nil
	}
	if op, ok := err.(*net.OpError); ok { // closed, or past the deadline
		err = op.Err
	} else {
		err = os.NewSyscallError(call, err)
	}
	local := conn.LocalAddr()
	return &net.OpError{Op: operation, Net: local.Network(), Source: local, Addr: peer, Err: err}
}
