package rawio

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// New returns the connection with a Read and a Write that take less. If it is not a
// socket, it is returned as it is.
func New(conn net.Conn) net.Conn {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return conn
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return conn
	}
	c := &direct{Conn: conn, raw: raw}
	c.in.try, c.out.try = c.in.tryRead, c.out.tryWrite
	return c
}

// direct is a connection that New has made.
type direct struct {
	net.Conn
	raw syscall.RawConn
	in  half
	out half
}

// half is one direction, and what one Read or Write is about.
type half struct {
	try func(fd uintptr) bool // made once

	mu    sync.Mutex // held by Read or Write
	reads Reads
	rest  []byte // to be filled or written still
	n     int    // done
	err   error
}

func (c *direct) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return c.Conn.Read(p)
	}
	n, err := c.in.run(p, c.raw.Read)
	if err == nil && n == 0 {
		return 0, io.EOF
	}
	return n, explain(c.Conn, "read", "read", c.RemoteAddr(), err)
}

func (c *direct) Write(p []byte) (int, error) {
	n, err := c.out.run(p, c.raw.Write)
	return n, explain(c.Conn, "write", "write", c.RemoteAddr(), err)
}

// run tries, and again whenever the socket is ready, until a try says that it is done.
func (h *half) run(p []byte, whenReady func(try func(fd uintptr) (done bool)) error) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rest, h.n, h.err = p, 0, nil
	err := whenReady(h.try)
	h.rest = nil // it is the caller's
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
			err = syscall.EIO // never seen of a socket; it would be asked for ever
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

// explain makes of an error what package net makes of it.
func explain(conn interface{ LocalAddr() net.Addr }, operation, call string, peer net.Addr,
	err error) error {
	if err == nil {
		return nil
	}
	if op, ok := err.(*net.OpError); ok { // closed, or too late
		err = op.Err
	} else {
		err = os.NewSyscallError(call, err)
	}
	local := conn.LocalAddr()
	return &net.OpError{Op: operation, Net: local.Network(), Source: local, Addr: peer, Err: err}
}
