package pipe

import "context"

// Wrapper is embedded by a Stream that changes some methods of another one. It forwards
// the optional methods too, which embedding a plain Stream would hide:
//
//	type counted struct {
//		pipe.Wrapper
//		written atomic.Int64
//	}
//	s := &counted{Wrapper: pipe.Wrapper{Stream: inner}}
//
// A type that overrides Read must override ReadLate as well, because Join reads with it.
type Wrapper struct{ Stream }

var (
	_ Patient = Wrapper{}
	_ Leaver  = Wrapper{}
)

// ReadLate waits without a buffer if the inner stream can.
func (w Wrapper) ReadLate(l *Loan) (int, error) { return ReadLate(w.Stream, l) }

// Left reports whether the inner stream's other end has left.
func (w Wrapper) Left(ctx context.Context) bool { return HasLeft(ctx, w.Stream) }

// Unwrap returns the inner stream.
func (w Wrapper) Unwrap() Stream { return w.Stream }
