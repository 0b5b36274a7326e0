package scenario

import (
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// What a run takes of this process: its memory and CPU time.

// maxRSS returns the peak memory of this process in bytes.
func maxRSS() int64 {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(use.Maxrss)
	}
	return int64(use.Maxrss) << 10
}

// cpuTime returns the CPU time that this process has used.
func cpuTime() time.Duration {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

const (
	// naturalNode is the memory budget of a node that joins naturally, in bytes, and
	// minNatural that of a small network.
	naturalNode = 6 << 20
	minNatural  = 512 << 20
	// manyPreset is the number of preset nodes from which memory runs out before time.
	manyPreset = 1000
)

// limitMemory makes the garbage collector keep to the memory that this many nodes should
// take. undo restores its settings.
func limitMemory(join string, nodes int) (undo func()) {
	if join == Preset {
		if nodes < manyPreset {
			return func() {}
		}
		percent := debug.SetGCPercent(20)
		return func() { debug.SetGCPercent(percent) }
	}
	limit := debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(min(limit, max(minNatural, int64(nodes)*naturalNode)))
	return func() { debug.SetMemoryLimit(limit) }
}
