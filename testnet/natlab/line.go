//go:build linux

package natlab

import (
	"bytes"
	"math/rand/v2"
	"os"
	"time"
)

// line carries a site's packets to the internet and back.
type line struct {
	number   int
	tun      *os.File
	up, down queue
}

func newLine(number int, tun *os.File, link Link) *line {
	return &line{number, tun, newQueue(link), newQueue(link)}
}

// set changes the line for packets to come.
func (l *line) set(link Link) {
	l.up.lane.Set(link)
	l.down.lane.Set(link)
}

// read takes what the site sends, until the device is closed.
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

// write gives the site what it is sent.
func (l *line) write() {
	for p := range l.down.packets {
		p.await()
		l.tun.Write(p.bytes) // fails when the device is down: then the packet is lost
	}
}

// queue holds the packets that are on their way in a lane. Its end is closed when nobody
// puts any more.
type queue struct {
	lane    *Lane
	packets chan packet
}

// queueLen is how many packets are in a lane at one time. More are dropped, as by any router.
const queueLen = 4096

func newQueue(link Link) queue {
	return queue{NewLane(link, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		make(chan packet, queueLen)}
}

// packet is on its way until it is due.
type packet struct {
	bytes []byte
	due   time.Time
}

func (p packet) await() { time.Sleep(time.Until(p.due)) }

// put sends a packet on its way, unless it is lost.
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
