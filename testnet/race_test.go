//go:build race

package testnet

// share is which part of the full size tests have that make many nodes: the race detector takes ten times the memory.
const share = 10
