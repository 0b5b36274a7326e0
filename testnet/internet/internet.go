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

	mu     sync.RWMutex
	sites  int
	owner  map[netip.Addr]*Site // of public addresses
	groups map[*Site]int
	cut    map[[2]*Site]bool
}

// maxSites is how many the addresses are enough for.
const maxSites = 1<<16 - 2

// carriers is how many goroutines move packets.
const carriers = 4

// New makes an internet without sites. Close ends it. The seed decides what is left to chance.
func New(seed uint64) *Internet {
	i := &Internet{seed: seed, done: make(chan struct{}), owner: map[netip.Addr]*Site{}, cut: map[[2]*Site]bool{}}
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
	apart := to != nil && (i.groups[from] != i.groups[to] || i.cut[pair(from, to)])
	i.mu.RUnlock()
	if to == nil {
		i.counts.refused.Add(1)
		return
	}
	at, ok := from.up.pass(time.Now(), len(p.data))
	if !ok || apart {
		i.counts.lost.Add(1)
		return
	}
	if to.down.narrow() { // whoever comes first is served first
		ok = to.carrier.put(at, p, to.arrive)
	} else if at, ok = to.down.pass(at, len(p.data)); ok {
		ok = to.carrier.put(at, p, to.enter)
	}
	if !ok {
		i.counts.lost.Add(1)
	}
}

// Partition lets packets pass between sites of one group alone. Those that are in none are a group of their own.
func (i *Internet) Partition(groups ...[]*Site) {
	of := map[*Site]int{}
	for n, group := range groups {
		for _, s := range group {
			of[s] = n + 1
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.groups = of
}

// Cut lets no packets pass between two sites.
func (i *Internet) Cut(a, b *Site) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cut[pair(a, b)] = true
}

// Heal undoes Partition and Cut.
func (i *Internet) Heal() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.groups = nil
	clear(i.cut)
}

func pair(a, b *Site) [2]*Site {
	if a.number > b.number {
		a, b = b, a
	}
	return [2]*Site{a, b}
}

var errNoAddress = errors.New("internet: the site has no more addresses")
