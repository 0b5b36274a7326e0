//go:build linux

package natlab

import (
	"net/netip"
	"testing"
	"time"
)

// The first call after a change of the caller's own network works: with the same address
// there as before, or with another one.
func TestRoam(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, h *Host){
		"cable": func(t *testing.T, h *Host) {
			check(t, h.Down())
			check(t, h.Up())
		},
		"address": func(t *testing.T, h *Host) {
			was := netip.PrefixFrom(h.Addr, 24)
			now := nth(was, 100)
			check(t, h.namespace.ip(
				addAddr(now, uplink), "addr del "+was.String()+" dev "+uplink,
				"route replace 0.0.0.0/0 dev "+uplink+" via "+nth(was.Masked(), 1).Addr().String(),
			))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2"}, EIM.Site("caller"),
				EIM.Site("target"))
			caller, target, c := settlePair(t, lab, members, Direct)
			c.Conn.Close()
			change(t, caller.host)
			caller.mustReach(target, busy(2*time.Second))
		})
	}
}
