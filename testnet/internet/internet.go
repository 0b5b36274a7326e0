package internet

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// Internet connects sites. Its methods may be called from several goroutines.
type Internet struct {
	seed       uint64
	schedulers []*scheduler
	done       chan struct{}
	group      sync.WaitGroup // of the schedulers
	close      func()
	counts     counts

	cuts natlab.Cuts // by the sites' numbers

	mu    sync.RWMutex
	sites int
	owner map[netip.Addr]*Site // of public addresses
}

// maxSites is how many sites there are addresses for.
const maxSites = 1<<16 - 2

// schedulers is how many goroutines move packets.
const schedulers = 4

// New returns an internet without sites. The caller closes it. seed determines which packets
// are lost, and the ports that routers choose.
func New(seed uint64) *Internet {
	i := &Internet{seed: seed, done: make(chan struct{}), owner: map[netip.Addr]*Site{}}
	i.close = sync.OnceFunc(func() {
		close(i.done)
		i.group.Wait()
	})
	for range schedulers {
		s := newScheduler()
		i.schedulers = append(i.schedulers, s)
		i.group.Go(func() { s.run(i.done) })
	}
	return i
}

// Close stops the delivery of packets. Sockets stay open.
func (i *Internet) Close() { i.close() }

// Site adds a network of a kind with a link to the internet.
func (i *Internet) Site(kind natlab.Kind, link Link) (*Site, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sites == maxSites {
		return nil, fmt.Errorf("internet: no addresses for more than %d sites", maxSites)
	}
	i.sites++
	return newSite(i, i.sites, kind, link)
}

// Stats counts packets.
type Stats struct {
	Packets, Bytes uint64 // sent by hosts, including lost packets
	Lost           uint64 // by links, full queues, cuts and partitions
	Refused        uint64 // by routers, by the MTU, and because no socket listens there
}

type counts struct{ packets, bytes, lost, refused atomic.Uint64 }

// Stats returns the counts so far.
func (i *Internet) Stats() Stats {
	c := &i.counts
	return Stats{c.packets.Load(), c.bytes.Load(), c.lost.Load(), c.refused.Load()}
}

// forward sends a packet from a site to the site of its destination.
func (i *Internet) forward(from *Site, p packet) {
	i.mu.RLock()
	to := i.owner[p.to.Addr()]
	i.mu.RUnlock()
	if to == nil {
		i.counts.refused.Add(1)
		return
	}
	size := len(p.data) + headers
	at, ok := from.up.Pass(time.Now(), size)
	if !ok || i.cuts.Between(from.number, to.number) {
		i.counts.lost.Add(1)
		return
	}
	if to.down.Limited() { // the first to arrive at the link passes first
		ok = to.scheduler.put(at, p, to.queueDown)
	} else if at, ok = to.down.Pass(at, size); ok {
		ok = to.scheduler.put(at, p, to.receive)
	}
	if !ok {
		i.counts.lost.Add(1)
	}
}

// Partition drops all packets between sites of different groups. Sites in no group form one
// more. heal ends this partition; other partitions and cuts stay.
func (i *Internet) Partition(groups ...[]*Site) (heal func()) {
	numbers := make([][]int, len(groups))
	for n, group := range groups {
		for _, s := range group {
			numbers[n] = append(numbers[n], s.number)
		}
	}
	return i.cuts.Partition(numbers...)
}

// Cut drops all packets between two sites. heal ends this cut.
func (i *Internet) Cut(a, b *Site) (heal func()) { return i.cuts.Cut(a.number, b.number) }

// Heal ends all partitions and cuts.
func (i *Internet) Heal() { i.cuts.Heal() }

var errNoAddress = errors.New("internet: the site has no more addresses")
