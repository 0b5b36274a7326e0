// Package nettest helps the tests of the node and its packages: hosts on loopback, a cable
// that can be cut, and waits that fail the test in time.
//
//	a, b := nettest.Host(t), nettest.Host(t)
//	cable := nettest.NewCable(t, nettest.Port(b))
//	cable.Cut()
package nettest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

// Wait bounds every wait of a test. A loaded machine is slow.
const Wait = 20 * time.Second

// Context returns a context that ends after Wait, or with the test.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Wait)
	t.Cleanup(cancel)
	return ctx
}

// Receive receives from c.
func Receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(Wait):
		t.Fatal("nothing came in time")
		panic("unreachable")
	}
}

// Eventually waits until ok returns true.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Wait); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in %v", what, Wait)
		}
	}
}

// Host starts a plain libp2p host that listens on loopback over QUIC and TCP.
func Host(t testing.TB, options ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append([]libp2p.Option{
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"),
		libp2p.DisableMetrics(), libp2p.DisableRelay(),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// Addr returns the address of a host over maddrs.QUIC or maddrs.TCP.
func Addr(t testing.TB, h host.Host, transport string) ma.Multiaddr {
	t.Helper()
	for _, addr := range h.Addrs() {
		if maddrs.Transport(addr) == transport {
			return addr
		}
	}
	t.Fatalf("no %s among %v", transport, h.Addrs())
	return nil
}

// Port returns the UDP port of a host.
func Port(t testing.TB, h host.Host) int {
	t.Helper()
	_, port, _ := maddrs.Parts(Addr(t, h, maddrs.QUIC))
	return int(port)
}

var loopback = net.IPv4(127, 0, 0, 1)
