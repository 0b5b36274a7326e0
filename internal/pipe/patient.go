package pipe

import "context"

// Patient is a Stream that can wait for data without holding a buffer.
type Patient interface {
	// ReadLate reads into the loan's buffer, which it takes once there is data.
	ReadLate(*Loan) (int, error)
}

// ReadLate reads from the stream into the loan's buffer. A Patient stream holds no buffer
// while it waits.
func ReadLate(s Stream, l *Loan) (int, error) {
	if p, ok := s.(Patient); ok {
		return p.ReadLate(l)
	}
	return s.Read(l.Take())
}

// Leaver is a Stream that can tell, after its read direction has ended, whether the other
// end has left for good or may still be reading.
type Leaver interface {
	// Left waits until the other end has left and returns true. It returns false when ctx
	// ends, or at once if the transport cannot tell. It is called after Read has returned
	// io.EOF, or after CloseRead.
	Left(ctx context.Context) bool
}

// HasLeft calls Left if the stream is a Leaver, and otherwise returns false.
func HasLeft(ctx context.Context, s Stream) bool {
	l, ok := s.(Leaver)
	return ok && l.Left(ctx)
}
