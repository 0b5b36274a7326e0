package internet

import (
	"container/heap"
	"net/netip"
	"sync"
	"time"
)

// packet is a datagram on its way.
type packet struct {
	from, to netip.AddrPort
	data     []byte
}

// transit is a packet that is at some point at some time, and what happens to it there.
type transit struct {
	due  time.Time
	seq  uint64 // keeps those of one time in order
	do   func(packet)
	what packet
}

// carrier carries packets: it has one goroutine for all that are under way, so that those
// of one line stay in order.
type carrier struct {
	mu    sync.Mutex
	queue transits
	seq   uint64
	wake  chan struct{} // holds a token when the first one has changed
}

// maxTransits bounds what is under way with one carrier.
const maxTransits = 1 << 20

func newCarrier() *carrier { return &carrier{wake: make(chan struct{}, 1)} }

// put has do called with the packet when it is due. It says whether there was room.
func (c *carrier) put(due time.Time, p packet, do func(packet)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) >= maxTransits {
		return false
	}
	c.seq++
	heap.Push(&c.queue, transit{due, c.seq, do, p})
	if c.queue[0].seq == c.seq {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// next returns the first packet if it is due, or else how long that will take; an hour if
// there is none.
func (c *carrier) next() (t transit, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return t, time.Hour
	}
	if wait = time.Until(c.queue[0].due); wait > 0 {
		return t, wait
	}
	return heap.Pop(&c.queue).(transit), 0
}

// run carries packets until done is closed.
func (c *carrier) run(done <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		t, wait := c.next()
		if wait <= 0 {
			t.do(t.what)
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-c.wake:
		case <-done:
			return
		}
	}
}

// transits is a heap, the first one due on top.
type transits []transit

func (q transits) Len() int { return len(q) }
func (q transits) Less(a, b int) bool {
	if q[a].due.Equal(q[b].due) {
		return q[a].seq < q[b].seq
	}
	return q[a].due.Before(q[b].due)
}
func (q transits) Swap(a, b int) { q[a], q[b] = q[b], q[a] }
func (q *transits) Push(t any)   { *q = append(*q, t.(transit)) }
func (q *transits) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = transit{}
	*q = (*q)[:last]
	return t
}
