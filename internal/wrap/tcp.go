package wrap

import (
	"errors"
	"net"
	"syscall"

	"github.com/cell-mesh/cell/internal/pipe"
)

// tcpStream makes a pipe.Stream of a TCP connection. Other than a Unix socket it can carry a reset, and a reset that is
// read is a cut.
type tcpStream struct{ *net.TCPConn }

// Write takes it for no cut when the other end takes no more: it may have something to say still, or Read tells of the cut.
func (s *tcpStream) Write(p []byte) (int, error) {
	n, err := s.TCPConn.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		err = pipe.ErrStopped
	}
	return n, err
}

func (s *tcpStream) CloseWrite() error { return ignoreGone(s.TCPConn.CloseWrite()) }
func (s *tcpStream) CloseRead() error  { return ignoreGone(s.TCPConn.CloseRead()) }

// Abort resets the connection.
func (s *tcpStream) Abort(error) {
	s.SetLinger(0)
	s.Close()
}

// ignoreGone: ending a direction that has ended already is no error.
func ignoreGone(err error) error {
	if errors.Is(err, syscall.ENOTCONN) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}
