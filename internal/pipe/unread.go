package pipe

// Unread returns a stream that reads rest first, and then from s. It keeps rest until then.
func Unread(s Stream, rest []byte) Stream {
	if len(rest) == 0 {
		return s
	}
	return &unread{Wrapper{s}, rest}
}

type unread struct {
	Wrapper
	rest []byte
}

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

// ReadLate reads rest first, and then waits without a buffer if s can.
func (u *unread) ReadLate(l *Loan) (int, error) {
	if len(u.rest) > 0 {
		return u.Read(l.Take())
	}
	return u.Wrapper.ReadLate(l)
}
