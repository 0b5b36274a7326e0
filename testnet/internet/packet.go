package internet

import (
	"cmp"
	"container/heap"
	"net/netip"
	"sync"
	"time"
)

// packet is a UDP datagram.
type packet struct {
	from, to netip.AddrPort
	data     []byte
}

// transit is a packet on its way, and what happens to it when it is due.
type transit struct {
	due    time.Time
	seq    uint64 // keeps packets with the same due time in order
	do     func(packet)
	packet packet
}

// scheduler handles packets when they are due, in one goroutine, so that the packets of a
// link stay in order.
type scheduler struct {
	mu    sync.Mutex
	queue transits
	seq   uint64
	wake  chan struct{} // has a token if there is a new first packet
}

// maxTransits is how many packets a scheduler holds.
const maxTransits = 1 << 20

func newScheduler() *scheduler { return &scheduler{wake: make(chan struct{}, 1)} }

// put calls do with the packet when it is due. It reports whether there was room.
func (s *scheduler) put(due time.Time, p packet, do func(packet)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) >= maxTransits {
		return false
	}
	s.seq++
	heap.Push(&s.queue, transit{due, s.seq, do, p})
	if s.queue[0].seq == s.seq {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// next returns the first packet, or else how long to wait for it.
func (s *scheduler) next() (t transit, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return t, time.Hour
	}
	if wait = time.Until(s.queue[0].due); wait > 0 {
		return t, wait
	}
	return heap.Pop(&s.queue).(transit), 0
}

// run handles packets until done is closed.
func (s *scheduler) run(done <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		t, wait := s.next()
		if wait <= 0 {
			t.do(t.packet)
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-s.wake:
		case <-done:
			return
		}
	}
}

// transits is a heap with the first due on top.
type transits []transit

func (q transits) Len() int { return len(q) }
func (q transits) Less(a, b int) bool {
	return cmp.Or(q[a].due.Compare(q[b].due), cmp.Compare(q[a].seq, q[b].seq)) < 0
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
