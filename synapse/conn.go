package synapse

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// Conn is a call. Dial returns the caller's end, and a listener's Accept the cell's end. It
// is a net.Conn whose two directions end separately.
type Conn struct {
	unix *net.UnixConn
	// rest was received together with the verdict.
	rest   []byte
	remote net.Addr
	// end tells an orderly end from a cut. It is nil if no stem is in between.
	end *ending
	// cut tells the stem that the cell cannot finish the call. It is nil on a dialled Conn.
	cut func()
	// closed tells the listener that the call is over. It may be nil.
	closed func()
}

// Read reads from the call. It returns io.EOF once the other end has called CloseWrite or
// Close. If a call to another machine was cut, the error wraps io.ErrUnexpectedEOF and
// includes the reason.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	n, err := c.unix.Read(p)
	if err != nil {
		err = c.ended(err)
	}
	return n, err
}

// ended turns the error of a read on the socket into the error that Read returns.
func (c *Conn) ended(err error) error {
	if errors.Is(err, syscall.ECONNRESET) {
		// The other end closed without reading all input. All it wrote has been delivered.
		err = io.EOF
	}
	if err == io.EOF && c.end != nil {
		return c.end.verdict()
	}
	return err
}

// Write sends p. It fails with syscall.EPIPE once the other end does not read any more. The
// other end may still be writing then.
func (c *Conn) Write(p []byte) (int, error) { return c.unix.Write(p) }

// CloseWrite ends the written direction. The other end reads io.EOF and may go on writing.
func (c *Conn) CloseWrite() error { return c.unix.CloseWrite() }

// Reset closes an accepted connection because the cell cannot finish its answer: the
// caller's Read fails with io.ErrUnexpectedEOF instead of io.EOF. Data already written may
// be lost. A caller on this machine that connected directly still reads io.EOF. On a
// dialled Conn, Reset is Close.
func (c *Conn) Reset() error {
	if c.cut != nil {
		c.cut()
	}
	return c.Close()
}

// Close closes both directions.
func (c *Conn) Close() error {
	err := c.unix.Close()
	if c.closed != nil {
		c.closed()
	}
	return err
}

// LocalAddr returns the address of this end's Unix socket, which is empty for a caller.
func (c *Conn) LocalAddr() net.Addr { return c.unix.LocalAddr() }

// RemoteAddr returns the dialled address or, for an accepted connection, a Caller.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets the read and write deadlines, as described for net.Conn.
func (c *Conn) SetDeadline(t time.Time) error { return c.unix.SetDeadline(t) }

// SetReadDeadline sets the read deadline, as described for net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.unix.SetReadDeadline(t) }

// SetWriteDeadline sets the write deadline, as described for net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.unix.SetWriteDeadline(t) }
