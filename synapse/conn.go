package synapse

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// Conn is a connection to a cell or, when a Listener accepted it, from a caller. It is a net.Conn
// whose two directions end separately.
type Conn struct {
	unix *net.UnixConn
	// rest was received along with the verdict.
	rest   []byte
	remote net.Addr
	// end tells an orderly end from a cut. If nil, the other process is at the socket itself.
	end *ending
	// cut tells the stem that the call of a caller can't be finished. It is nil on a Conn
	// that was dialled.
	cut func()
	// closed tells the Listener that the call is over. It may be nil.
	closed func()
}

// Read reads what the other end sent. It returns io.EOF when the other end has ended its
// writing side in order, and an error that wraps io.ErrUnexpectedEOF and says why when a
// call to another machine was cut.
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

// ended turns the error of a read into what the caller is told.
func (c *Conn) ended(err error) error {
	if errors.Is(err, syscall.ECONNRESET) {
		// the other end did not read all of its input; what it wrote has been delivered
		err = io.EOF
	}
	if err == io.EOF && c.end != nil {
		return c.end.verdict()
	}
	return err
}

// Write sends p. It fails with syscall.EPIPE when the other end takes no more, which may
// still have something to say.
func (c *Conn) Write(p []byte) (int, error) { return c.unix.Write(p) }

// CloseWrite ends the writing side: the other end reads io.EOF, and may go on writing.
func (c *Conn) CloseWrite() error { return c.unix.CloseWrite() }

// Reset closes a connection that a Listener accepted, as Close does, and has the caller's
// Read fail with io.ErrUnexpectedEOF instead of io.EOF: for a cell that can't finish its
// answer. What was written may not arrive. The exception is a caller on this machine that
// connected to the cell directly, which reads io.EOF all the same; so does the cell, of a
// Conn that was dialled.
func (c *Conn) Reset() error {
	if c.cut != nil {
		c.cut()
	}
	return c.Close()
}

// Close ends both directions and releases the connection.
func (c *Conn) Close() error {
	err := c.unix.Close()
	if c.closed != nil {
		c.closed()
	}
	return err
}

// LocalAddr returns this end's address, which is seldom of use: Unix sockets of callers
// have no name.
func (c *Conn) LocalAddr() net.Addr { return c.unix.LocalAddr() }

// RemoteAddr returns the address that was dialled or, for an accepted connection, the Caller.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline bounds reads and writes, as for any net.Conn.
func (c *Conn) SetDeadline(t time.Time) error { return c.unix.SetDeadline(t) }

// SetReadDeadline bounds reads, as for any net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.unix.SetReadDeadline(t) }

// SetWriteDeadline bounds writes, as for any net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.unix.SetWriteDeadline(t) }
