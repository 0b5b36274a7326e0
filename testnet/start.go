package testnet

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/testnet/internet"
)

// TB is the part of *testing.T that Start needs.
type TB interface {
	Helper()
	Cleanup(func())
	Context() context.Context
	Fatalf(format string, args ...any)
}

// joinTimeout bounds how long Start waits for a node to join.
const joinTimeout = time.Minute

// Start runs n public nodes, node1 to noden, with the cell echo, and returns when they have
// found each other. A round trip takes 20 ms. The nodes stop when the test ends. The test
// fails if a node does not join within a minute.
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
			ctx, cancel := context.WithTimeout(t.Context(), joinTimeout)
			err = node.Joined(ctx)
			cancel()
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
	}
	return net
}
