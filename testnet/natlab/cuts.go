package natlab

import (
	"slices"
	"sync"
)

// Cuts are pairs of networks between which no packets pass. Networks are numbered. The zero
// Cuts are none. The methods may be called from several goroutines.
type Cuts struct {
	mu  sync.RWMutex
	all []*cut
}

// cut reports whether it is between two networks.
type cut func(a, b int) bool

// Partition cuts all networks of different groups from each other. Networks in no group form
// one more. heal ends this partition; other partitions and cuts stay.
func (c *Cuts) Partition(groups ...[]int) (heal func()) {
	of := map[int]int{}
	for i, group := range groups {
		for _, network := range group {
			of[network] = i + 1
		}
	}
	return c.add(func(a, b int) bool { return of[a] != of[b] })
}

// Cut cuts two networks from each other. heal ends this cut.
func (c *Cuts) Cut(a, b int) (heal func()) {
	return c.add(func(x, y int) bool { return x == a && y == b || x == b && y == a })
}

func (c *Cuts) add(between cut) (heal func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, &between)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all = slices.DeleteFunc(c.all, func(other *cut) bool { return other == &between })
	}
}

// Heal ends all partitions and cuts.
func (c *Cuts) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = nil
}

// Between reports whether two networks are cut from each other.
func (c *Cuts) Between(a, b int) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.ContainsFunc(c.all, func(between *cut) bool { return (*between)(a, b) })
}
