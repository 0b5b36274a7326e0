//go:build linux

package natlab

import (
	"strings"
	"testing"
)

// A local network without internet works fully: no packet leads out, and nobody answers for names.
func TestIsland(t *testing.T) {
	t.Parallel()
	for _, island := range []struct {
		name      string
		flags     []string
		bootstrap bool // the others are told where the first one is
	}{
		{"no mesh", []string{"--mesh", "none"}, false},
		{"mesh by mDNS alone", []string{"--mesh", "home"}, false},
		{"mesh by bootstrap", []string{"--mesh", "home", "--no-mdns"}, true},
	} {
		t.Run(island.name, func(t *testing.T) {
			t.Parallel()
			lab := newLab(t, Link{}, EIM.Site("a", "b", "c"))
			var all []*stem
			for _, name := range []string{"a", "b", "c"} {
				s := newStem(t, lab.Host(name))
				s.maroon()
				flags := island.flags
				if island.bootstrap && len(all) > 0 {
					flags = append(all[0].bootstrap(), flags...)
				}
				s.up(flags...)
				all = append(all, s)
			}
			a, b, c := all[0], all[1], all[2]
			c.run("trust", b.id, "--cells", "echo")
			b.mustReach(c, callWait)
			c.run("join", strings.TrimSpace(a.run("invite", "--cells", "echo")), "--as", "first")
			c.mustReach(a, callWait)

			// Who was met once is found again, though nobody answers for it any more.
			b.down()
			b.up("--mesh", "none", "--no-mdns")
			b.mustReach(c, callWait)
		})
	}
}

// maroon leaves the host nothing but its own network.
func (s *stem) maroon() {
	s.t.Helper()
	check(s.t, s.host.namespace.ip("route del default"))
	check(s.t, s.host.namespace.nft(`
		table inet island {
			chain out { type filter hook output priority filter
				meta l4proto { tcp, udp } th dport 53 drop
			}
		}`))
}
