package pipe

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// Report is the result of a Join.
type Report struct {
	// Forth and Back are the bytes carried from the first stream to the second, and back.
	Forth, Back int64
	// Err is nil if both directions ended in order. Otherwise it is the reason of the cut.
	Err error
}

// Join copies both ways until both directions have ended, then closes both streams.
//
// When one direction ends in order, Join passes the end on and leaves the other direction
// open. When a stream accepts no more data, Join stops writing to it but still delivers what
// it sends. When a stream has ended and its other end has left for good, Join stops reading
// the opposite stream, because nobody can receive its data. When one direction is cut or ctx
// ends, Join aborts both streams, with the cause as the reason.
func Join(ctx context.Context, a, b Stream) Report {
	var report Report
	var once sync.Once
	cut := func(reason error) {
		once.Do(func() {
			report.Err = reason
			a.Abort(reason)
			b.Abort(reason)
		})
	}
	stop := context.AfterFunc(ctx, func() { cut(context.Cause(ctx)) })

	talking, over := context.WithCancel(context.Background())
	var ended atomic.Int32
	way := func(dst, src Stream) int64 {
		n, err := carry(dst, src)
		switch {
		case err != nil:
			cut(err)
			over()
		case ended.Add(1) == 2:
			over()
		case HasLeft(talking, src):
			dst.CloseRead() // nobody is left to receive its data
		}
		return n
	}
	var back sync.WaitGroup
	back.Go(func() { report.Back = way(a, b) })
	report.Forth = way(b, a)
	back.Wait()
	stop()

	once.Do(func() { // nothing was cut, and nothing can be cut from here on
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			report.Err = plain(err)
		}
	})
	return report
}

// carry copies from src to dst until src ends or dst accepts no more. An error is a cut.
func carry(dst, src Stream) (n int64, err error) {
	var loan Loan
	defer loan.GiveBack()
	for {
		got, readErr := ReadLate(src, &loan)
		if got > 0 {
			wrote, err := dst.Write(loan.Take()[:got])
			n += int64(wrote)
			if errors.Is(err, ErrStopped) {
				dst.CloseWrite() // the other end does not read any more, so an error is no loss
				return n, ignoreStopped(src.CloseRead())
			}
			if err != nil {
				return n, plain(err)
			}
		}
		if readErr == io.EOF || errors.Is(readErr, ErrReadClosed) {
			return n, ignoreStopped(dst.CloseWrite())
		}
		if readErr != nil {
			return n, plain(readErr)
		}
		loan.fit(got)
	}
}

func ignoreStopped(err error) error {
	if errors.Is(err, ErrStopped) {
		return nil
	}
	return err
}
