package internet

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Link is a line that connects a site to the internet. A packet between two sites crosses two lines, and its answer four.
type Link struct {
	// Delay is how long a packet takes, each way.
	Delay time.Duration
	// Loss is the share of packets that vanish, each way: 0 none, 1 all.
	Loss float64
	// Rate is how many bytes a second fit through, each way. If 0, any number.
	Rate int
}

const (
	// MTU is how many bytes a packet may have, with the headers of IP and UDP.
	MTU = 1500
	// headers are those, of IPv4; lines carry them, too.
	headers = 28
	// backlog is how long a packet may wait for its turn on a line that is full. More are dropped, as by any router.
	backlog = 100 * time.Millisecond
)

// line is one direction of a Link.
type line struct {
	mu   sync.Mutex
	link Link
	free time.Time // when the last of those that wait has passed
	rand *rand.Rand
}

func (l *line) set(link Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.link = link
}

// pass says when a packet that is at one end at a time comes out at the other, if it does.
func (l *line) pass(at time.Time, size int) (out time.Time, ok bool) {
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
		l.free = l.free.Add(time.Duration(size+headers) * time.Second / time.Duration(l.link.Rate))
		at = l.free
	}
	return at.Add(l.link.Delay), true
}

// narrow says whether packets have to be taken in turns.
func (l *line) narrow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.link.Rate > 0
}
