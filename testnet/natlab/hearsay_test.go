//go:build linux

package natlab

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
)

// A peer publishes the addresses of all its networks, those that the caller is not in
// among them: to these no packet is sent, unless a person says so.
func TestPrivateAddressesOfStrangers(t *testing.T) {
	t.Parallel()
	lab := newLab(t, Link{}, Public.Site("member"), EIM.Site("dialer"), EIM.Site("target"))
	member, dialer, target := newStem(t, lab.Host("member")), newStem(t,
		lab.Host("dialer")), newStem(t, lab.Host("target"))
	target.run("trust", dialer.id, "--cells", "echo")
	check(t, target.host.namespace.ip("addr add 10.1.2.3/24 dev "+uplink,
		"addr add 172.20.1.1/24 dev "+uplink))
	strays := countTo(t, dialer.host.machine, "strays", "{ 10.0.0.0/8, 172.16.0.0/12 }")

	member.up("--no-mdns")
	flags := append(member.bootstrap(), "--no-mdns")
	target.up(flags...)
	if !strings.Contains(strings.Join(target.addrs, " "), "/ip4/10.1.2.3/") {
		t.Fatalf("the target tells %v", target.addrs)
	}
	target.published(target.began)
	dialer.up(flags...)
	ctx, cancel := context.WithTimeout(t.Context(), callWait)
	defer cancel()
	c, err := dialer.call(ctx, target)
	check(t, err)
	defer c.Conn.Close()
	if n := strays.packets(); n > 0 {
		t.Errorf("%d packets went to addresses in other networks", n)
	}

	// Somebody who is nowhere is called at such an address until a packet goes there.
	nobody := newStem(t, lab.Host("target"))
	answer := make(chan struct{})
	go func() {
		defer close(answer)
		if a, err := stemclient.Ask(ctx, dialer.home,
			wire.Request{Verb: wire.Open, Object: "echo@/ip4/10.1.2.3/tcp/4433/p2p/" +
				nobody.id}); err == nil {
			a.Conn.Close()
		}
	}()
	if !eventually(ctx, 5*time.Second, func() bool { return strays.packets() > 0 }) {
		t.Error("no packet went to an address that was given")
	}
	cancel()
	<-answer
}
