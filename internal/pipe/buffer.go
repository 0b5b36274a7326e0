package pipe

import "sync"

// If a read fills its buffer, the next buffer is one size larger, otherwise one size
// smaller. While a stream is idle, it holds a small buffer, or none if it is Patient.
//
// The largest size is two frames of yamux, each 64 KiB including a header of 12 bytes. A
// few bytes more would go into a third frame, which costs as much as a full one.
var sizes = [...]int{1 << 10, 16 << 10, 2 * (64<<10 - 12)}

const (
	small = iota
	medium
	large
)

var pools = [len(sizes)]sync.Pool{}

// Loan is the buffer of one direction of a Join. It is borrowed only while it is needed.
type Loan struct {
	level  int // index into sizes for the next buffer
	buffer *[]byte
}

// Take returns the borrowed buffer, and borrows one if there is none.
func (l *Loan) Take() []byte {
	if l.buffer == nil {
		l.buffer, _ = pools[l.level].Get().(*[]byte)
	}
	if l.buffer == nil {
		fresh := make([]byte, sizes[l.level])
		l.buffer = &fresh
	}
	return *l.buffer
}

// GiveBack returns the buffer. The next one has the same size.
func (l *Loan) GiveBack() {
	if l.buffer != nil {
		pools[l.level].Put(l.buffer)
		l.buffer = nil
	}
}

// Late makes the next buffer a large one. It is for streams that borrow the buffer when
// there is something to read, and so hold it only briefly.
func (l *Loan) Late() { l.size(large) }

// fit chooses the size of the next buffer after a read of got bytes.
func (l *Loan) fit(got int) {
	level := max(l.level-1, small)
	if got == sizes[l.level] {
		level = min(l.level+1, large)
	}
	l.size(level)
}

// size sets the size of the next buffer.
func (l *Loan) size(level int) {
	if level != l.level {
		l.GiveBack()
		l.level = level
	}
}
