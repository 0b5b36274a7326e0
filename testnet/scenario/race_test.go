//go:build race

package scenario

import "runtime"

// On one processor: two timers of a bubble that run at once can crash the race detector
// (golang/go#78156).
func init() { runtime.GOMAXPROCS(1) }
