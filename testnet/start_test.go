package testnet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/testnet"
)

// What the package comment says.
func TestStart(t *testing.T) {
	net := testnet.Start(t, 3)
	if answer, err := net.Node("node1").Ask(t.Context(), "echo@node2", "hello"); answer != "hello" || err != nil {
		t.Errorf("%q, %v", answer, err)
	}
	net.Cut(net.Node("node1"), net.Node("node2"))
	if answer, err := net.Node("node1").Ask(t.Context(), "echo@node3", "hello"); answer != "hello" || err != nil {
		t.Errorf("%q, %v", answer, err)
	}
}

// In a bubble an hour takes as long as there is something to do in it.
func TestStartVirtually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := testnet.Start(t, 2)
		began := time.Now()
		time.Sleep(time.Hour)
		r := net.Node("node1").Call(t.Context(), "echo@node2", "hello")
		if r.Err != nil || r.Took > time.Second || time.Since(began) != time.Hour+r.Took {
			t.Errorf("%+v after %v", r, time.Since(began))
		}
	})
}
