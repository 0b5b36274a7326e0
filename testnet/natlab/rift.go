package natlab

import (
	"slices"
	"sync"
)

// Rifts are between the networks of an internet, which have numbers: there nothing gets
// through. The zero Rifts are none. The methods may be called at any time, from any
// goroutine.
type Rifts struct {
	mu   sync.RWMutex
	open []*rift
}

// rift says whether it is between two networks.
type rift func(a, b int) bool

// Partition lets packets pass between networks of one group alone. Those that are in none
// are a group of their own. What was parted before is so still; heal undoes this
// partition.
func (r *Rifts) Partition(groups ...[]int) (heal func()) {
	of := map[int]int{}
	for i, group := range groups {
		for _, network := range group {
			of[network] = i + 1
		}
	}
	return r.tear(func(a, b int) bool { return of[a] != of[b] })
}

// Cut lets no packets pass between two networks. heal undoes this cut.
func (r *Rifts) Cut(a, b int) (heal func()) {
	return r.tear(func(x, y int) bool { return x == a && y == b || x == b && y == a })
}

func (r *Rifts) tear(between rift) (heal func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = append(r.open, &between)
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.open = slices.DeleteFunc(r.open, func(other *rift) bool { return other == &between })
	}
}

// Heal undoes all that Partition and Cut have done.
func (r *Rifts) Heal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = nil
}

// Between says whether there is one between two networks.
func (r *Rifts) Between(a, b int) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.ContainsFunc(r.open, func(between *rift) bool { return (*between)(a, b) })
}
