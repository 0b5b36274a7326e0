//go:build linux

package natlab

import (
	"context"
	"testing"
)

// Calls work on lines that lose two packets in a hundred, each way: more than seven of a
// hundred questions or answers.
func TestCallsUnderLoss(t *testing.T) {
	t.Parallel()
	lossy := Link{Delay: delay, Loss: 0.02}
	lab := newLab(t, lossy, Public.Site("member1", "member2"), EIM.Site("caller"),
		Symmetric.Site("target"))
	members := startMesh(t, lab, "member1", "member2")
	caller, target, c := settlePair(t, lab, members, Relayed)
	ctx, cancel := context.WithTimeout(t.Context(), callWait)
	defer cancel()
	for range 50 {
		if err := c.echo(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		caller.mustReach(target, callWait)
	}
}
