package testnet

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := Start(t, 2)
		r := net.Node("node1").Call(t.Context(), "echo@node2", "hello")
		t.Logf("%+v", r)
		time.Sleep(time.Second)
		r = net.Node("node2").Call(t.Context(), "echo@node1", "hello")
		t.Logf("%+v", r)
	})
}
