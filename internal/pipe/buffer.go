package pipe

import "sync"

// A direction that idles waits in Read with a small buffer; one that flows has a large one. A read that fills its buffer
// is taken for a flow, and the next buffer is a size larger; one that does not, for its end, and the next is a size
// smaller. So whatever was said before, a bridge on which nothing flows any more pins a medium buffer each way at
// most, and mostly a small one.
var sizes = [...]int{2 << 10, 16 << 10, 128 << 10}

const (
	small = iota
	medium
	large
)

var pools = [len(sizes)]sync.Pool{}

// buffer is one of a pool; level is its place in sizes.
type buffer struct {
	bytes []byte
	level int
}

func borrow(level int) *buffer {
	if b, ok := pools[level].Get().(*buffer); ok {
		return b
	}
	return &buffer{make([]byte, sizes[level]), level}
}

func (b *buffer) giveBack() { pools[b.level].Put(b) }

// fit returns the buffer for the next read, given how many bytes the last one got.
func (b *buffer) fit(got int) *buffer {
	level := max(b.level-1, small)
	if got == len(b.bytes) {
		level = min(b.level+1, large)
	}
	if level == b.level {
		return b
	}
	b.giveBack()
	return borrow(level)
}
