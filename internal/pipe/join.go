package pipe

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// Report is what a Join carried and how it ended.
type Report struct {
	// Forth and Back are the bytes carried from the first stream to the second, and back.
	Forth, Back int64
	// Err is nil if both directions came to an orderly end, else why the call was cut.
	Err error
}

// Join copies both ways until both directions have ended, then closes both streams.
//
// An orderly end of one direction is passed on and leaves the other open. An end that
// takes no more is not written to any more; what it says is still delivered. Where an end
// has said all that it had to say, and is known to have left for good, the other one is
// not read any more either. A cut of either direction aborts both streams, and so does
// ctx when it ends, with its cause as the reason.
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
			dst.CloseRead() // nobody is there to hear what it says
		}
		return n
	}
	var back sync.WaitGroup
	back.Go(func() { report.Back = way(a, b) })
	report.Forth = way(b, a)
	back.Wait()
	stop()

	once.Do(func() { // nothing was cut, and from here on nothing can be
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			report.Err = plain(err)
		}
	})
	return report
}

// carry copies from src to dst until src ends or dst takes no more. An error is a cut.
func carry(dst, src Stream) (n int64, err error) {
	var loan Loan
	defer loan.GiveBack()
	for {
		got, readErr := ReadLate(src, &loan)
		if got > 0 {
			wrote, err := dst.Write(loan.Take()[:got])
			n += int64(wrote)
			if errors.Is(err, ErrStopped) {
				dst.CloseWrite() // nobody waits for this end, so neither for its error
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
