package pipe

import "context"

// Patient is a Stream that waits without a buffer for something to be read.
type Patient interface {
	// ReadLate is Read into the loan's buffer, which it takes when there is something to read.
	ReadLate(*Loan) (int, error)
}

// ReadLate reads from the stream into the loan's buffer. If the stream is Patient, none
// is held while it waits.
func ReadLate(s Stream, l *Loan) (int, error) {
	if p, ok := s.(Patient); ok {
		return p.ReadLate(l)
	}
	return s.Read(l.Take())
}

// Leaver is a Stream that can tell whether the other end, which says nothing more, has
// left for good or listens still.
type Leaver interface {
	// Left waits until the other end has left, and returns true, or until ctx ends. Read
	// has returned io.EOF, or CloseRead was called. It returns false at once where there
	// is no telling.
	Left(ctx context.Context) bool
}

// HasLeft is Left where the stream has it, and else false.
func HasLeft(ctx context.Context, s Stream) bool {
	l, ok := s.(Leaver)
	return ok && l.Left(ctx)
}
