package pipe

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/rawio"
)

// Unix returns a Stream over a Unix socket. A Unix socket cannot carry an abort: the other
// end reads it as an orderly end, and must learn of a cut in another way.
func Unix(conn *net.UnixConn) Stream { return &unixStream{conn: conn, raw: rawio.New(conn)} }

type unixStream struct {
	conn *net.UnixConn
	raw  io.ReadWriter // the same connection
	late lateReader
}

// Read returns io.EOF for ECONNRESET, which means that the other end closed without reading
// all of its input. What it wrote was delivered first.
func (s *unixStream) Read(p []byte) (int, error) {
	n, err := s.raw.Read(p)
	if err != nil && err != io.EOF && errors.Is(err, syscall.ECONNRESET) {
		err = io.EOF
	}
	return n, err
}

func (s *unixStream) Write(p []byte) (int, error) {
	n, err := s.raw.Write(p)
	if err != nil && gone(err) {
		err = ErrStopped
	}
	return n, err
}

func (s *unixStream) CloseWrite() error { return ignoreGone(s.conn.CloseWrite()) }
func (s *unixStream) CloseRead() error  { return ignoreGone(s.conn.CloseRead()) }
func (s *unixStream) Close() error      { return s.conn.Close() }
func (s *unixStream) Abort(error)       { s.conn.Close() }

func (s *unixStream) SetDeadline(t time.Time) error { return s.conn.SetDeadline(t) }

// gone reports whether an error means that the other end has closed.
func gone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.ENOTCONN)
}

func ignoreGone(err error) error {
	if err != nil && gone(err) {
		return nil
	}
	return err
}
