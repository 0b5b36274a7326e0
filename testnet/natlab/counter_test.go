//go:build linux

package natlab

import (
	"fmt"
	"regexp"
	"testing"
)

// counter counts packets that a machine sends.
type counter struct {
	t *testing.T
	*machine
	name string
}

// countTo counts the packets to addresses, as nft(8) writes them.
func countTo(t *testing.T, m *machine, name, addrs string) counter {
	t.Helper()
	check(t, m.namespace.nft(fmt.Sprintf(`
		table inet natlab_%[1]s {
			counter %[1]s {}
			chain out { type filter hook output priority filter
				ip daddr %[2]s counter name %[1]s
			}
		}`, name, addrs)))
	return counter{t, m, name}
}

func (c counter) packets() (n int) {
	c.t.Helper()
	out, err := c.Command(c.t.Context(), "nft", "list", "counter", "inet", "natlab_"+c.name,
		c.name).Output()
	check(c.t, err)
	found := regexp.MustCompile(`packets (\d+)`).FindSubmatch(out)
	if found == nil {
		c.t.Fatalf("nft prints %s", out)
	}
	fmt.Sscan(string(found[1]), &n)
	return n
}
