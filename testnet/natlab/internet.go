//go:build linux

package natlab

import (
	"net/netip"
	"os"
	"sync"
)

// internet moves packets from one line to another:
//
//	TUN → up, for Delay → route → down, for Delay → TUN
//
// up and down are queues, so the packets of a line stay in order.
type internet struct {
	lines []*line
	owner map[netip.Prefix]*line
	cuts  Cuts
	ups   sync.WaitGroup // goroutines that read from lines
	downs sync.WaitGroup // goroutines that write to them
}

func newInternet() *internet { return &internet{owner: map[netip.Prefix]*line{}} }

// add adds a line that owns prefixes. It must be called before run.
func (n *internet) add(tun *os.File, link Link, prefixes ...netip.Prefix) *line {
	l := newLine(len(n.lines)+1, tun, link)
	n.lines = append(n.lines, l)
	for _, p := range prefixes {
		n.owner[p] = l
	}
	return l
}

// run starts moving packets; close stops it.
func (n *internet) run() {
	for _, l := range n.lines {
		n.ups.Go(l.read)
		n.ups.Go(func() {
			for p := range l.up.packets {
				p.await()
				if to := n.route(p.bytes); to != nil && !n.cuts.Between(l.number, to.number) {
					to.down.put(p.bytes)
				}
			}
		})
		n.downs.Go(l.write)
	}
}

// close closes the lines and waits for all goroutines.
func (n *internet) close() {
	for _, l := range n.lines {
		l.tun.Close() // ends read, which closes the queue up
	}
	n.ups.Wait()
	for _, l := range n.lines {
		close(l.down.packets)
	}
	n.downs.Wait()
}

// route returns the line that owns a packet's destination, or nil.
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
