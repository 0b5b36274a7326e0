package pipe

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/rawio"
)

// Unix makes a Stream of a Unix socket. A Unix socket can't carry a reset: the other end
// reads an abort as an orderly end, so who must know better has to be told another way.
func Unix(conn *net.UnixConn) Stream { return &unixStream{conn: conn, direct: rawio.New(conn)} }

type unixStream struct {
	conn   *net.UnixConn
	direct io.ReadWriter // the same
	late   lateReader
}

// Read takes ECONNRESET for an orderly end: the other end closed without having read all
// of its input, and what it wrote was delivered first.
func (s *unixStream) Read(p []byte) (int, error) {
	n, err := s.direct.Read(p)
	if err != nil && err != io.EOF && errors.Is(err, syscall.ECONNRESET) {
		err = io.EOF
	}
	return n, err
}

func (s *unixStream) Write(p []byte) (int, error) {
	n, err := s.direct.Write(p)
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

// gone says whether an error means that the other end has closed.
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
