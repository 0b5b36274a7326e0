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

// Internet is what lies between sites. Its methods may be called at any time, from any goroutine.
type Internet struct {
	seed     uint64
	carriers []*carrier
	done     chan struct{}
	group    sync.WaitGroup // of the carriers
	close    func()
	counts   counts

	rifts natlab.Rifts // by the sites' numbers

	mu    sync.RWMutex
	sites int
	owner map[netip.Addr]*Site // of public addresses
}

// maxSites is how many the addresses are enough for.
const maxSites = 1<<16 - 2

// carriers is how many goroutines move packets.
const carriers = 4

// New makes an internet without sites. Close ends it. The seed decides what is left to chance.
func New(seed uint64) *Internet {
	i := &Internet{seed: seed, done: make(chan struct{}), owner: map[netip.Addr]*Site{}}
	i.close = sync.OnceFunc(func() {
		close(i.done)
		i.group.Wait()
	})
	for range carriers {
		c := newCarrier()
		i.carriers = append(i.carriers, c)
		i.group.Go(func() { c.run(i.done) })
	}
	return i
}

// Close ends the carrying of packets. Sockets stay open, and hear nothing more.
func (i *Internet) Close() { i.close() }

// Site adds a network of a kind at the end of a line.
func (i *Internet) Site(kind natlab.Kind, link Link) (*Site, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sites == maxSites {
		return nil, fmt.Errorf("internet: no addresses for more than %d sites", maxSites)
	}
	i.sites++
	return newSite(i, i.sites, kind, link)
}

// Stats are what has been carried.
type Stats struct {
	Packets, Bytes uint64 // that hosts have sent, lost ones included
	Lost           uint64 // by lines, full queues, cuts and partitions
	Refused        uint64 // by routers, and because nobody listens there
}

type counts struct{ packets, bytes, lost, refused atomic.Uint64 }

// Stats returns what has been carried so far.
func (i *Internet) Stats() Stats {
	c := &i.counts
	return Stats{c.packets.Load(), c.bytes.Load(), c.lost.Load(), c.refused.Load()}
}

// carry brings a packet from a site to the one that its destination belongs to.
func (i *Internet) carry(from *Site, p packet) {
	i.mu.RLock()
	to := i.owner[p.to.Addr()]
	i.mu.RUnlock()
	if to == nil {
		i.counts.refused.Add(1)
		return
	}
	size := len(p.data) + headers
	at, ok := from.up.Pass(time.Now(), size)
	if !ok || i.rifts.Between(from.number, to.number) {
		i.counts.lost.Add(1)
		return
	}
	if to.down.Narrow() { // whoever comes first is served first
		ok = to.carrier.put(at, p, to.arrive)
	} else if at, ok = to.down.Pass(at, size); ok {
		ok = to.carrier.put(at, p, to.enter)
	}
	if !ok {
		i.counts.lost.Add(1)
	}
}

// Partition lets packets pass between sites of one group alone. Those that are in none
// are a group of their own. What was parted before is so still, until heal undoes it.
func (i *Internet) Partition(groups ...[]*Site) (heal func()) {
	numbers := make([][]int, len(groups))
	for n, group := range groups {
		for _, s := range group {
			numbers[n] = append(numbers[n], s.number)
		}
	}
	return i.rifts.Partition(numbers...)
}

// Cut lets no packets pass between two sites, until heal undoes it.
func (i *Internet) Cut(a, b *Site) (heal func()) { return i.rifts.Cut(a.number, b.number) }

// Heal undoes all that Partition and Cut have done.
func (i *Internet) Heal() { i.rifts.Heal() }

var errNoAddress = errors.New("internet: the site has no more addresses")
