package pipe

import "sync"

// A read that fills its buffer is taken for a flow, and the next buffer is a size larger;
// one that does not, for its end, and the next is a size smaller. A Patient stream waits
// without a buffer, and others with a small one, so whatever was said before, next to
// nothing is held where nothing flows any more.
//
// The largest is two frames of yamux: each is 64 KiB with its header of 12 bytes, and a
// runt behind them would cost as much as they do.
var sizes = [...]int{1 << 10, 16 << 10, 2 * (64<<10 - 12)}

const (
	small = iota
	medium
	large
)

var pools = [len(sizes)]sync.Pool{}

// Loan is the buffer that one direction of a Join has borrowed, if it has one.
type Loan struct {
	level  int // of the next buffer, its place in sizes
	buffer *[]byte
}

// Take returns the buffer that is held, or else borrows one.
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

// GiveBack ends the loan. The next one is as large.
func (l *Loan) GiveBack() {
	if l.buffer != nil {
		pools[l.level].Put(l.buffer)
		l.buffer = nil
	}
}

// Late makes the next buffer, for one who borrows it when there is something to read, a
// large one: it is not held for long.
func (l *Loan) Late() { l.size(large) }

// fit makes the next buffer as large as it should be, given how many bytes the last one got.
func (l *Loan) fit(got int) {
	level := max(l.level-1, small)
	if got == sizes[l.level] {
		level = min(l.level+1, large)
	}
	l.size(level)
}

// size says how large the next buffer is to be.
func (l *Loan) size(level int) {
	if level != l.level {
		l.GiveBack()
		l.level = level
	}
}
