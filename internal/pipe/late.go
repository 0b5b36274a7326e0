package pipe

import (
	"context"
	"io"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/rawio"
)

// lateReader borrows a buffer for each attempt to read from a socket, and returns it before
// it waits. This needs no more system calls than Read.
type lateReader struct {
	raw   syscall.RawConn
	try   func(fd uintptr) bool // read, allocated once
	reads rawio.Reads
	loan  *Loan
	n     int
	err   error
}

var _ Patient = (*unixStream)(nil)

// ReadLate must be called by one goroutine at a time.
func (s *unixStream) ReadLate(loan *Loan) (int, error) {
	l := &s.late
	if l.raw == nil {
		raw, err := s.conn.SyscallConn()
		if err != nil {
			return 0, err
		}
		l.raw, l.try = raw, l.read
	}
	l.loan = loan
	loan.Late()
	if err := l.raw.Read(l.try); err != nil {
		return 0, err
	}
	switch {
	case l.err == syscall.ECONNRESET, l.err == nil && l.n == 0:
		return 0, io.EOF
	case l.err != nil:
		return 0, l.err
	}
	return l.n, nil
}

// read returns false if there is nothing to read. It is then called again once the socket
// is readable.
func (l *lateReader) read(fd uintptr) bool {
	l.n, l.err = l.reads.Read(fd, l.loan.Take())
	if l.err == syscall.EAGAIN {
		l.loan.GiveBack()
		return false
	}
	return true
}

var _ Leaver = (*unixStream)(nil)

// Left waits until the other end has closed its socket. Ending its written direction is not
// enough.
func (s *unixStream) Left(ctx context.Context) (left bool) {
	raw, err := s.conn.SyscallConn()
	if err != nil || !tellsHangup {
		return false
	}
	defer context.AfterFunc(ctx, func() { s.conn.SetReadDeadline(time.Unix(1, 0)) })()
	raw.Read(func(fd uintptr) bool {
		left = hungUp(fd)
		return left
	})
	return left
}
