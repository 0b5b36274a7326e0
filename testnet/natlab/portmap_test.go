//go:build linux

package natlab

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// mappedWait bounds the time from the start of a stem until its router's ports are known
// to lead to it.
const mappedWait = 10 * time.Second

// settleMapped runs a target whose router opens ports, and returns when others are known
// to come through.
func settleMapped(t *testing.T, lab *Lab, members []*stem, language string) (*stem, *igd) {
	t.Helper()
	router := startIGD(t, lab.Host("target").Routers[0], language)
	target := settle(t, lab, "target", members)
	public := func() bool { return target.status().Network.Reachability == "public" }
	if !eventually(t.Context(), mappedWait, public) {
		t.Fatalf("the target is %s after %v: %+v", target.status().Network.Reachability, mappedWait,
			target.status().Network.Ports)
	}
	t.Logf("public after %v", time.Since(target.began).Round(time.Millisecond))
	return target, router
}

// A router that opens ports for those who ask makes its host one that anyone can call,
// from behind a symmetric router, too: directly, from the first byte on. When the stem
// ends, the ports are closed.
func TestPortMapping(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind     Kind
		language string
		by       string
	}{
		{EIM, "natpmp", "NAT-PMP"},
		{EIM, "upnp", "UPnP"},
		{Symmetric, "natpmp", "NAT-PMP"},
		{Symmetric, "upnp", "UPnP"},
	} {
		t.Run(c.kind.String()+" by "+c.by, func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2", "member3", "member4"},
				Symmetric.Site("caller"), c.kind.Site("target"))
			target, router := settleMapped(t, lab, members, c.language)
			if said := target.run("doctor"); !strings.Contains(said, " opened "+
				router.router.Addr.String()+":4433 (TCP)") || !strings.Contains(said, " by "+c.by) {
				t.Errorf("the doctor says:\n%s", said)
			}
			target.published(target.began)
			caller := settle(t, lab, "caller", members)
			target.trusts(caller)
			caller.mustReach(target, callWait)
			if over := caller.transports(target); !isDirect(over) {
				t.Errorf("the call goes over %s", over)
			}
			if n := router.opened(); n != 2 {
				t.Errorf("the router has opened %d ports", n)
			}
			target.down()
			if n := router.opened(); n != 0 {
				t.Errorf("the router leaves %d ports open", n)
			}
		})
	}
}

// Of two machines behind one router each gets ports, and is called at its own.
func TestPortMappingTaken(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"natpmp", "upnp"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2", "member3", "member4"},
				Symmetric.Site("caller"), Symmetric.Site("target", "other"))
			target, router := settleMapped(t, lab, members, language)
			other := settle(t, lab, "other", members)
			if !eventually(t.Context(), mappedWait, func() bool { return router.opened() == 4 }) {
				t.Fatalf("the router has opened %d ports for two machines", router.opened())
			}
			caller := settle(t, lab, "caller", members)
			for _, callee := range []*stem{target, other} {
				callee.trusts(caller)
				caller.getsThrough(callee, callWait)
				if !eventually(t.Context(), directWait,
					func() bool { return isDirect(caller.transports(callee)) }) {
					t.Errorf("calls to %s go over %s", callee.host.Name(),
						caller.transports(callee))
				}
			}
			other.down()
			if n := router.opened(); n != 2 {
				t.Errorf("%d ports are open when one machine is left", n)
			}
		})
	}
}

// A router that was switched off and on, and has got another address, is soon asked
// again; calls come through before that. Calls by those who have not met the target go
// directly then, although nobody has probed the new address yet.
func TestPortMappingRenewed(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"natpmp", "upnp"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2", "member3", "member4"},
				Symmetric.Site("caller"), Symmetric.Site("newcomer"), Symmetric.Site("target"))
			target, router := settleMapped(t, lab, members, language)
			target.published(target.began)
			caller := settle(t, lab, "caller", members)
			target.trusts(caller)
			caller.mustReach(target, callWait).Conn.Close()

			router.reboot()
			start := time.Now()
			caller.getsThrough(target, busy(6*time.Second))
			if !eventually(t.Context(), busy(6*time.Second), func() bool {
				return router.opened() == 2 &&
					target.status().Network.Ports.Outside == router.router.Addr
			}) {
				t.Fatalf("%d ports are open after the router began anew, and the stem knows of %+v",
					router.opened(), target.status().Network.Ports)
			}
			t.Logf("opened again after %v", time.Since(start).Round(time.Millisecond))
			// The target may still believe in a direct connection to the caller, which is
			// dead, and not look for another.
			newcomer := settle(t, lab, "newcomer", members)
			target.trusts(newcomer)
			newcomer.mustReach(target, callWait)
			start = time.Now()
			if !eventually(t.Context(), directWait,
				func() bool { return isDirect(newcomer.transports(target)) }) {
				t.Errorf("calls go over %s", newcomer.transports(target))
			}
			t.Logf("direct %v later", time.Since(start).Round(time.Millisecond))
		})
	}
}

// Nobody but the router is asked, besides the multicast that finds it; and nobody at all
// by a stem without a mesh.
func TestPortMappingAsks(t *testing.T) {
	t.Parallel()
	lab, members := town(t, []string{"member"}, EIM.Site("target", "loner"))
	router := startIGD(t, lab.Host("target").Routers[0], "upnp")
	const asks = "udp dport { 1900, 5351 }"
	target, loner := lab.Host("target"), newStem(t, lab.Host("loner"))
	gateway := nth(netip.PrefixFrom(target.Addr, 24).Masked(), 1).Addr().String()
	asked := countTo(t, target.machine, "asked", "{ "+gateway+", 239.255.255.250 } "+asks)
	strays := countTo(t, target.machine, "strays", "!= { "+gateway+", 239.255.255.250 } "+asks)
	visits := countTo(t, target.machine, "visits",
		"192.168.0.0/16 ip daddr != "+gateway+" meta l4proto tcp")
	never := countTo(t, loner.host.machine, "never", "0.0.0.0/0 "+asks)
	loner.up("--mesh", "none")
	settle(t, lab, "target", members, "--no-mdns")
	if !eventually(t.Context(), mappedWait, func() bool { return router.opened() == 2 }) {
		t.Fatalf("the router has opened %d ports", router.opened())
	}
	if asked.packets() == 0 {
		t.Error("the router was not asked") // or else the others prove nothing
	}
	for _, c := range []counter{strays, visits, never} {
		if n := c.packets(); n > 0 {
			t.Errorf("%s: %d packets", c.name, n)
		}
	}
}
