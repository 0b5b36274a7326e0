package testnet

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/testnet/internet"
)

// TB is what Start needs of a *testing.T.
type TB interface {
	Helper()
	Cleanup(func())
	Context() context.Context
	Fatalf(format string, args ...any)
}

// joinWait bounds how long a node of Start's may take to join.
const joinWait = time.Minute

// Start runs n public nodes with a cell that echoes, node1 to noden, which have found
// each other when it returns; if one has not within a minute, the test fails. A round
// trip between two takes 20 ms. They end with the test.
func Start(t TB, n int) *Net {
	t.Helper()
	net, err := New(Config{Seed: 1, Link: internet.Link{Delay: 5 * time.Millisecond}})
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := net.Close(); err != nil {
			t.Fatalf("%v", err)
		}
	})
	for range n {
		node, err := net.Add(NodeConfig{})
		if err == nil {
			ctx, cancel := context.WithTimeout(t.Context(), joinWait)
			err = node.Joined(ctx)
			cancel()
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
	}
	return net
}
