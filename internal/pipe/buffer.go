package pipe

import "sync"

// A direction that idles waits in Read with a small buffer; one that flows has a large one. A read that
// fills the small buffer is taken for a flow, and a read that would have fitted it for the flow's end,
// so that an idle bridge pins two small buffers and no more.
const (
	smallBuffer = 2 << 10
	largeBuffer = 128 << 10
)

var (
	smallPool = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, smallBuffer)} }}
	largePool = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, largeBuffer)} }}
)

type buffer struct{ bytes []byte }

func borrowSmall() *buffer { return smallPool.Get().(*buffer) }

func (b *buffer) giveBack() {
	if len(b.bytes) == smallBuffer {
		smallPool.Put(b)
	} else {
		largePool.Put(b)
	}
}

// fit returns the buffer for the next read, given how many bytes the last one got.
func (b *buffer) fit(got int) *buffer {
	switch small := len(b.bytes) == smallBuffer; {
	case small && got == smallBuffer:
		b.giveBack()
		return largePool.Get().(*buffer)
	case !small && got < smallBuffer:
		b.giveBack()
		return borrowSmall()
	}
	return b
}
