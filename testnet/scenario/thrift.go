package scenario

import "runtime/debug"

const (
	// maxNode is the memory that a node which joins naturally should take at most, in
	// bytes, and maxNodes that of the few.
	maxNode  = 6 << 20
	maxNodes = 512 << 20
	// crowd is from how many preset nodes on memory is what there is too little of, and not time.
	crowd = 1000
)

// spare has the garbage collector keep to the memory that so many nodes should take, and
// returns what undoes that.
func spare(way string, nodes int) (undo func()) {
	if way == Preset {
		if nodes < crowd {
			return func() {}
		}
		percent := debug.SetGCPercent(20)
		return func() { debug.SetGCPercent(percent) }
	}
	limit := debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(min(limit, max(maxNodes, int64(nodes)*maxNode)))
	return func() { debug.SetMemoryLimit(limit) }
}
