//go:build linux

package natlab

import (
	"bytes"
	"math/rand/v2"
	"os"
	"time"
)

// line connects a site to the internet.
type line struct {
	number   int
	tun      *os.File
	up, down queue
}

func newLine(number int, tun *os.File, link Link) *line {
	return &line{number, tun, newQueue(link), newQueue(link)}
}

// set changes the link for future packets.
func (l *line) set(link Link) {
	l.up.lane.Set(link)
	l.down.lane.Set(link)
}

// read reads the site's packets until the device is closed.
func (l *line) read() {
	defer close(l.up.packets)
	buf := make([]byte, 64<<10)
	for {
		n, err := l.tun.Read(buf)
		if err != nil {
			return
		}
		l.up.put(bytes.Clone(buf[:n]))
	}
}

// write writes the site's packets until the queue is closed.
func (l *line) write() {
	for p := range l.down.packets {
		p.await()
		l.tun.Write(p.bytes) // fails if the device is down: then the packet is lost
	}
}

// queue holds the packets in a lane.
type queue struct {
	lane    *Lane
	packets chan packet
}

// queueLen is how many packets a lane holds. More are dropped, as by any router.
const queueLen = 4096

func newQueue(link Link) queue {
	return queue{NewLane(link, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		make(chan packet, queueLen)}
}

type packet struct {
	bytes []byte
	due   time.Time
}

func (p packet) await() { time.Sleep(time.Until(p.due)) }

// put adds a packet, unless it is lost.
func (q queue) put(bytes []byte) {
	due, ok := q.lane.Pass(time.Now(), len(bytes))
	if !ok {
		return
	}
	select {
	case q.packets <- packet{bytes, due}:
	default:
	}
}
