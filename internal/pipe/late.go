package pipe

import (
	"context"
	"io"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/rawio"
)

// lateReader reads from a socket into a buffer that it borrows for each try, and gives
// back before it waits. That takes no more system calls than Read does.
type lateReader struct {
	raw   syscall.RawConn
	try   func(fd uintptr) bool // s.read, made once
	reads rawio.Reads
	loan  *Loan
	n     int
	err   error
}

var _ Patient = (*unixStream)(nil)

// ReadLate is called by one goroutine at a time.
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

// read says whether it is done; if not, it is called again once there may be something to read.
func (l *lateReader) read(fd uintptr) bool {
	l.n, l.err = l.reads.Read(fd, l.loan.Take())
	if l.err == syscall.EAGAIN {
		l.loan.GiveBack()
		return false
	}
	return true
}

var _ Leaver = (*unixStream)(nil)

// Left waits for the other end to close its socket, which is more than to end its writing side.
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
