package pipe

import (
	"context"
	"errors"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"
)

// Thousands of idle calls are held in small buffers, and a flow has a large one.
func TestFit(t *testing.T) {
	for _, test := range []struct{ has, got, want int }{
		{small, 0, small},
		{small, 1, small},
		{small, sizes[small] - 1, small},
		{small, sizes[small], medium},
		{medium, 1, small},
		{medium, sizes[medium] - 1, small},
		{medium, sizes[medium], large},
		{large, sizes[large], large},
		{large, sizes[large] - 1, medium},
		{large, 0, medium},
	} {
		l := Loan{level: test.has}
		l.Take()
		l.fit(test.got)
		if next := len(l.Take()); next != sizes[test.want] {
			t.Errorf("%d bytes in a buffer of %d: the next has %d, want %d", test.got,
				sizes[test.has], next, sizes[test.want])
		}
	}
}

// A read that waits has no large buffer, whatever was said before.
func TestJoinWaitsWithoutALargeBuffer(t *testing.T) {
	src := &scripted{reads: []int{10, sizes[small], sizes[medium], sizes[large], sizes[small], 1,
		10}}
	Join(context.Background(), src, &scripted{})
	want := []int{sizes[small], sizes[small], sizes[medium], sizes[large], sizes[large],
		sizes[medium], sizes[small], sizes[small]}
	if !slices.Equal(src.offered, want) {
		t.Errorf("the buffers had\n %v, want\n %v", src.offered, want)
	}
}

// scripted is a stream that reads as many bytes as it is told to and then ends; it keeps
// the sizes of the buffers.
type scripted struct {
	reads, offered []int
}

func (s *scripted) Read(p []byte) (n int, err error) {
	s.offered = append(s.offered, len(p))
	if len(s.reads) == 0 {
		return 0, io.EOF
	}
	n, s.reads = s.reads[0], s.reads[1:]
	return n, nil
}

func (s *scripted) Write(p []byte) (int, error)   { return len(p), nil }
func (s *scripted) CloseWrite() error             { return nil }
func (s *scripted) CloseRead() error              { return nil }
func (s *scripted) SetDeadline(t time.Time) error { return nil }
func (s *scripted) Close() error                  { return nil }
func (s *scripted) Abort(error)                   {}

// A socket is waited for without a buffer: a try that finds nothing gives it back.
func TestUnixWaitsWithoutABuffer(t *testing.T) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range ends {
		defer syscall.Close(end)
		syscall.SetNonblock(end, true)
	}
	late := lateReader{loan: &Loan{}}
	if late.read(uintptr(ends[0])) || late.loan.buffer != nil {
		t.Error("while there is nothing to read, it is done or holds a buffer")
	}
	syscall.Write(ends[1], []byte("hello"))
	if !late.read(uintptr(ends[0])) || late.err != nil ||
		string(late.loan.Take()[:late.n]) != "hello" {
		t.Errorf("read %d bytes, %v", late.n, late.err)
	}
}

// A read may bring bytes and an error at once: the bytes come first.
func TestBytesComeBeforeTheError(t *testing.T) {
	for _, end := range []error{io.EOF, errors.New("cut")} {
		report := Join(context.Background(), &last{err: end}, &scripted{})
		if report.Forth != 3 || (report.Err == nil) != (end == io.EOF) ||
			report.Err != nil && !errors.Is(report.Err, end) {
			t.Errorf("with %v: report is %+v", end, report)
		}
	}
}

type last struct {
	scripted
	err error
}

func (l *last) Read(p []byte) (int, error) { return copy(p, "end"), l.err }
