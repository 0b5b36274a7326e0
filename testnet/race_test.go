//go:build race

package testnet

import "runtime"

// share is which part of the full size tests have that make many nodes: the race detector
// takes ten times the memory.
const share = 10

// On one processor: two timers of a bubble that run at once can crash the race detector
// (golang/go#78156).
func init() { runtime.GOMAXPROCS(1) }
