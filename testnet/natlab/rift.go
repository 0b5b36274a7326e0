package natlab

import "sync"

// Rifts are between the networks of an internet, which have numbers: there nothing gets through. The zero Rifts are none. The
// methods may be called at any time, from any goroutine.
type Rifts struct {
	mu     sync.RWMutex
	groups map[int]int
	cut    map[[2]int]bool
}

// Partition lets packets pass between networks of one group alone. Those that are in none are a group of their own. It
// replaces an earlier partition.
func (r *Rifts) Partition(groups ...[]int) {
	of := map[int]int{}
	for i, group := range groups {
		for _, network := range group {
			of[network] = i + 1
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.groups = of
}

// Cut lets no packets pass between two networks.
func (r *Rifts) Cut(a, b int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut == nil {
		r.cut = map[[2]int]bool{}
	}
	r.cut[pair(a, b)] = true
}

// Heal undoes Partition and Cut.
func (r *Rifts) Heal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.groups, r.cut = nil, nil
}

// Between says whether there is one between two networks.
func (r *Rifts) Between(a, b int) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.groups[a] != r.groups[b] || r.cut[pair(a, b)]
}

func pair(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }
