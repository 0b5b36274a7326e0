package testnet_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/testnet"
)

// What the package comment says.
func TestStart(t *testing.T) {
	net := testnet.Start(t, 3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if answer, err := net.Node("node1").Ask(ctx, "echo@node2", "hello"); answer != "hello" ||
		err != nil {
		t.Errorf("%q, %v", answer, err)
	}
	heal := net.Cut(net.Node("node1"), net.Node("node2"))
	if answer, err := net.Node("node1").Ask(ctx, "echo@node3", "hello"); answer != "hello" ||
		err != nil {
		t.Errorf("%q, %v", answer, err)
	}
	heal()
}

// In a bubble an hour takes as long as there is something to do in it.
func TestStartVirtually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := testnet.Start(t, 2)
		began := time.Now()
		time.Sleep(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := net.Node("node1").Call(ctx, "echo@node2", "hello")
		if r.Err != nil || r.Took > time.Second || time.Since(began) != time.Hour+r.Took {
			t.Errorf("%+v after %v", r, time.Since(began))
		}
	})
}
