package natlab

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Link is a line to the internet. A packet between two sites crosses two lines, and its
// answer four.
type Link struct {
	// Delay is how long a packet takes, each way.
	Delay time.Duration
	// Loss is the share of packets that vanish, each way: 0 none, 1 all.
	Loss float64
	// Rate is how many bytes a second fit through, each way, with their headers. If 0, any number.
	Rate int
}

// backlog is how long a packet may wait for its turn on a line that is full. More are
// dropped, as by any router.
const backlog = 100 * time.Millisecond

// Lane is one direction of a line: what it does to packets, on simulated machines and on
// real ones. Its methods may be called at any time, from any goroutine.
type Lane struct {
	mu   sync.Mutex
	link Link
	free time.Time // when the last of those that wait has passed
	rand *rand.Rand
}

// NewLane returns a lane that loses packets by chance.
func NewLane(link Link, chance *rand.Rand) *Lane { return &Lane{link: link, rand: chance} }

// Set changes the lane for packets to come.
func (l *Lane) Set(link Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.link = link
}

// Pass says when a packet that is at one end at a time comes out at the other, if it
// does. Its size is in bytes, headers included.
func (l *Lane) Pass(at time.Time, size int) (out time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.link.Loss > 0 && l.rand.Float64() < l.link.Loss {
		return at, false
	}
	if l.link.Rate > 0 {
		if l.free.Before(at) {
			l.free = at
		}
		if l.free.Sub(at) > backlog {
			return at, false
		}
		l.free = l.free.Add(time.Duration(size) * time.Second / time.Duration(l.link.Rate))
		at = l.free
	}
	return at.Add(l.link.Delay), true
}

// Narrow says whether packets have to be taken in turns.
func (l *Lane) Narrow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.link.Rate > 0
}
