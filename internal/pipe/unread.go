package pipe

import "context"

// Unread returns a stream that reads rest before anything else. It keeps rest until it is read.
func Unread(s Stream, rest []byte) Stream {
	if len(rest) == 0 {
		return s
	}
	return &unread{Stream: s, rest: rest}
}

type unread struct {
	Stream
	rest []byte
}

// Unwrap returns the stream without what is still to be read before it.
func (u *unread) Unwrap() Stream { return u.Stream }

func (u *unread) Read(p []byte) (int, error) {
	if len(u.rest) == 0 {
		return u.Stream.Read(p)
	}
	n := copy(p, u.rest)
	if u.rest = u.rest[n:]; len(u.rest) == 0 {
		u.rest = nil
	}
	return n, nil
}

// Left tells whether the stream's other end has gone.
func (u *unread) Left(ctx context.Context) bool { return HasLeft(ctx, u.Stream) }

// ReadLate is Read into the loan's buffer. Once rest is read, it waits as the stream does.
func (u *unread) ReadLate(l *Loan) (int, error) {
	if len(u.rest) > 0 {
		return u.Read(l.Take())
	}
	return ReadLate(u.Stream, l)
}
