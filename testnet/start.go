package testnet

import "context"

// TB is what Start needs of a *testing.T.
type TB interface {
	Helper()
	Cleanup(func())
	Context() context.Context
	Fatalf(format string, args ...any)
}

// Start runs n public nodes with a cell that echoes, node1 to noden, which have found each other when it returns. They end with the test.
func Start(t TB, n int) *Net { return nil }
