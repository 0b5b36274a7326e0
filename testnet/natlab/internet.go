//go:build linux

package natlab

import (
	"net/netip"
	"os"
	"sync"
)

// internet moves packets between the lines of the sites. A packet goes up one line and
// down another:
//
//	TUN → up, for Delay → route → down, for Delay → TUN
//
// Both are queues, so packets of one line stay in order.
type internet struct {
	lines []*line
	owner map[netip.Prefix]*line
	rifts Rifts
	ups   sync.WaitGroup // what reads from the lines
	downs sync.WaitGroup // what writes to them
}

func newInternet() *internet { return &internet{owner: map[netip.Prefix]*line{}} }

// add connects a line, to which the prefixes belong. All are there before run.
func (n *internet) add(tun *os.File, link Link, prefixes ...netip.Prefix) *line {
	l := newLine(len(n.lines)+1, tun, link)
	n.lines = append(n.lines, l)
	for _, p := range prefixes {
		n.owner[p] = l
	}
	return l
}

// run begins to carry packets; close ends it.
func (n *internet) run() {
	for _, l := range n.lines {
		n.ups.Go(l.read)
		n.ups.Go(func() {
			for p := range l.up.packets {
				p.await()
				if to := n.route(p.bytes); to != nil && !n.rifts.Between(l.number, to.number) {
					to.down.put(p.bytes)
				}
			}
		})
		n.downs.Go(l.write)
	}
}

// close cuts the lines and returns when nothing moves any more.
func (n *internet) close() {
	for _, l := range n.lines {
		l.tun.Close() // which ends read, and that what it fed
	}
	n.ups.Wait()
	for _, l := range n.lines {
		close(l.down.packets)
	}
	n.downs.Wait()
}

// route returns the line that a packet's destination belongs to, or nil.
func (n *internet) route(packet []byte) *line {
	to, bits := netip.Addr{}, 0
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		to, bits = netip.AddrFrom4([4]byte(packet[16:20])), 16
	case len(packet) >= 40 && packet[0]>>4 == 6:
		to, bits = netip.AddrFrom16([16]byte(packet[24:40])), 32
	}
	prefix, err := to.Prefix(bits)
	if err != nil {
		return nil
	}
	return n.owner[prefix]
}
