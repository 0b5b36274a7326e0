package natlab

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Link connects a site to the internet. A packet from one site to another crosses two links,
// so a round trip crosses four.
type Link struct {
	// Delay is each way.
	Delay time.Duration
	// Loss is the share of packets that are lost, each way: 0 none, 1 all.
	Loss float64
	// Rate is the bandwidth in bytes per second, each way, including headers. If 0,
	// unlimited.
	Rate int
}

// backlog is how long packets may queue for a link with a Rate. More are dropped, as by any
// router.
const backlog = 100 * time.Millisecond

// Lane is one direction of a link. It decides which packets are lost, and when the others
// arrive. Its methods may be called from several goroutines.
type Lane struct {
	mu   sync.Mutex
	link Link
	free time.Time // when the queued packets will have passed
	rand *rand.Rand
}

// NewLane returns a lane that draws lost packets from random.
func NewLane(link Link, random *rand.Rand) *Lane { return &Lane{link: link, rand: random} }

// Set changes the lane for future packets.
func (l *Lane) Set(link Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.link = link
}

// Pass returns when a packet that enters the lane at a time leaves it; ok is false if it is
// lost. size is in bytes, including headers.
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

// Limited reports whether the lane has a Rate, so that packets queue.
func (l *Lane) Limited() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.link.Rate > 0
}
