package pipe

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// newTCP returns a Stream over a TCP connection. Unlike a Unix socket, TCP can carry an
// abort, as a reset.
func newTCP(conn *net.TCPConn) Stream {
	return &tcpStream{conn: conn, reading: make(chan struct{}, 1), stop: make(chan struct{}),
		drained: make(chan struct{})}
}

type tcpStream struct {
	conn    *net.TCPConn
	writing sync.Mutex // held by Write
	reset   bool       // Write has seen a reset

	reading chan struct{} // holds a token while Read is running
	once    sync.Once
	stop    chan struct{} // closed by CloseRead; from then on drain takes the token
	drained chan struct{} // closed when drain has ended
}

// Read never takes a reset for an end. The kernel reports a reset only once: if Write got
// it, Read gets an end of file.
func (s *tcpStream) Read(p []byte) (int, error) {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-s.stop:
	}
	if s.isStopped() {
		return 0, io.EOF
	}
	n, err := s.conn.Read(p)
	switch {
	case err != nil && s.isStopped():
		err = io.EOF
	case err == io.EOF && s.wasReset():
		err = syscall.ECONNRESET
	}
	return n, err
}

// wasReset waits for a running Write, which returns at once if the connection is closed
// both ways.
func (s *tcpStream) wasReset() bool {
	if !isClosed(s.conn) {
		return false
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.reset
}

// Write returns ErrStopped, which is no cut, if the other end has closed: it may have sent
// more, and if it was a cut, Read reports it.
func (s *tcpStream) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	n, err := s.conn.Write(p)
	if err != nil && gone(err) {
		s.reset = s.reset || errors.Is(err, syscall.ECONNRESET)
		err = ErrStopped
	}
	return n, err
}

func (s *tcpStream) CloseWrite() error { return ignoreGone(s.conn.CloseWrite()) }

// CloseRead reads and drops data until the other end has ended or the stream is released.
// TCP cannot tell a writer that nobody reads, and a writer that is blocked because the
// window is full may never get to its own reads.
func (s *tcpStream) CloseRead() error {
	s.once.Do(func() {
		close(s.stop)
		s.conn.SetReadDeadline(time.Unix(1, 0)) // wakes a Read that is waiting
		go s.drain()
	})
	return nil
}

func (s *tcpStream) drain() {
	defer close(s.drained)
	s.reading <- struct{}{}
	defer func() { <-s.reading }()
	s.conn.SetReadDeadline(time.Time{})
	io.Copy(io.Discard, s.conn)
}

func (s *tcpStream) isStopped() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// lingerTime is how long Close waits for an end that is still writing.
const lingerTime = 2 * time.Second

// Close after CloseRead first gives the other end some time to finish. Closing with unread
// input would make the kernel reset the connection, and the other end would lose what it
// has not read yet.
func (s *tcpStream) Close() error {
	if s.isStopped() {
		patience := time.AfterFunc(lingerTime, func() { s.conn.Close() })
		<-s.drained
		patience.Stop()
	}
	err := s.conn.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil // lingerTime has passed
	}
	return err
}

// Abort resets the connection.
func (s *tcpStream) Abort(error) {
	s.conn.SetLinger(0)
	s.conn.Close()
	if s.isStopped() {
		<-s.drained
	}
}

func (s *tcpStream) SetDeadline(t time.Time) error {
	if s.isStopped() {
		return s.conn.SetWriteDeadline(t) // drain has no deadline
	}
	return s.conn.SetDeadline(t)
}

// Conn returns a Stream over a *net.UnixConn or a *net.TCPConn.
func Conn(conn net.Conn) Stream {
	if unix, ok := conn.(*net.UnixConn); ok {
		return Unix(unix)
	}
	return newTCP(conn.(*net.TCPConn))
}
