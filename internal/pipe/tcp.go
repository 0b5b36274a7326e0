package pipe

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// newTCP makes a Stream of a TCP connection. Other than a Unix socket it can carry a
// reset: an abort is one, and a reset that is read is a cut.
func newTCP(conn *net.TCPConn) Stream {
	return &tcpStream{conn: conn, reading: make(chan struct{}, 1), stop: make(chan struct{}),
		drained: make(chan struct{})}
}

type tcpStream struct {
	conn    *net.TCPConn
	writing sync.Mutex // held by Write
	reset   bool       // Write has been told of a reset

	reading chan struct{} // holds a token while someone reads
	once    sync.Once
	stop    chan struct{} // closed by CloseRead: the token is drain's from now on
	drained chan struct{} // closed when drain has ended
}

// Read takes no reset for an end. The kernel tells of one only once: if a Write was told,
// what Read gets is an end of file.
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

// wasReset waits for a Write under way to return, which it does at once when the
// connection is closed both ways.
func (s *tcpStream) wasReset() bool {
	if !isClosed(s.conn) {
		return false
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.reset
}

// Write takes it for no cut when the other end takes no more: it may have something to
// say still, or Read tells of the cut.
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

// CloseRead reads on and drops, until the other end has ended or the stream is released:
// TCP can't tell a writer that nobody reads, and one that waits for window may never come
// to read what it is told.
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

// lingerTime is how long a connection stays for an end that goes on writing what is dropped.
const lingerTime = 2 * time.Second

// Close lets the other end finish first, for a while, if it is not read any more: to
// close with input unread would make the kernel reset the connection, and throw away what
// the other end has not read yet.
func (s *tcpStream) Close() error {
	if s.isStopped() {
		patience := time.AfterFunc(lingerTime, func() { s.conn.Close() })
		<-s.drained
		patience.Stop()
	}
	err := s.conn.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil // patience was at its end
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
		return s.conn.SetWriteDeadline(t) // what is dropped is dropped at any time
	}
	return s.conn.SetDeadline(t)
}

// Conn makes a Stream of a connection that is a Unix socket's or a TCP connection.
func Conn(conn net.Conn) Stream {
	if unix, ok := conn.(*net.UnixConn); ok {
		return Unix(unix)
	}
	return newTCP(conn.(*net.TCPConn))
}
