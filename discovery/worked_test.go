package discovery

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Where a peer listens that has called us is remembered, though it has yet to say so.
func TestWorkedAsSoonAsConnected(t *testing.T) {
	var hosts [2]host.Host
	for i := range hosts {
		h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		hosts[i] = h
	}
	caller, called := hosts[0], hosts[1]
	f, err := New(Config{Host: called, Mesh: "none", NoMDNS: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	called.Network().Notify(&network.NotifyBundle{ConnectedF: func(_ network.Network, conn network.Conn) {
		f.Worked(conn)
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := caller.Connect(ctx, peer.AddrInfo{ID: called.ID(),
		Addrs: called.Addrs()}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-f.cache.dirty: // has something to save
	case <-ctx.Done():
	}
	if got := f.cache.get(caller.ID()); len(got) != 1 || !got[0].Equal(caller.Addrs()[0]) {
		t.Errorf("remembers %v, want %v", got, caller.Addrs())
	}
}
