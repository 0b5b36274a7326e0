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
	Link
	tun      *os.File
	up, down queue
}

func newLine(tun *os.File, link Link) *line {
	return &line{link, tun, make(queue, queueLen), make(queue, queueLen)}
}

// read takes what the site sends, until the device is closed.
func (l *line) read() {
	defer close(l.up)
	buf := make([]byte, 64<<10)
	for {
		n, err := l.tun.Read(buf)
		if err != nil {
			return
		}
		l.up.put(bytes.Clone(buf[:n]), l.Link)
	}
}

// write gives the site what it is sent.
func (l *line) write() {
	for p := range l.down {
		p.await()
		l.tun.Write(p.bytes) // fails when the device is down: then the packet is lost
	}
}

// queue holds packets that are on their way. Its end is closed when nobody puts any more.
type queue chan packet

// queueLen is how many packets are on a line at one time, each way. More are dropped, as by any router.
const queueLen = 4096

// packet is on its way until it is due.
type packet struct {
	bytes []byte
	due   time.Time
}

func (p packet) await() { time.Sleep(time.Until(p.due)) }

// put sends a packet on its way, unless it is lost.
func (q queue) put(bytes []byte, link Link) {
	if rand.Float64() < link.Loss {
		return
	}
	select {
	case q <- packet{bytes, time.Now().Add(link.Delay)}:
	default:
	}
}
