//go:build linux

package natlab

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/zeroconf/v2"
)

// announce says by mDNS on a host, as anybody may, that peers are at some addresses.
func announce(t *testing.T, on *Host, addrs []string) {
	t.Helper()
	var text []string
	for _, addr := range addrs {
		text = append(text, "dnsaddr="+addr)
	}
	check(t, on.Do(func() error {
		server, err := zeroconf.RegisterProxy("liar", "_cell._udp", "local", 4433, "liar",
			[]string{on.Addr.String()}, text, nil)
		if err == nil {
			t.Cleanup(server.Shutdown)
		}
		return err
	}))
}

// A neighbour is reached although another one says that it is elsewhere, where somebody
// else is, or nobody, and at many addresses at that.
func TestLies(t *testing.T) {
	t.Parallel()
	for _, number := range []int{1, 40} {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			lab := newLab(t, Link{}, EIM.Site("caller", "target", "liar"))
			caller, target, liar := newStem(t, lab.Host("caller")), newStem(t,
				lab.Host("target")), newStem(t, lab.Host("liar"))
			// in a mesh of theirs they would connect before the lies are told
			alone := []string{"--mesh", "none"}
			for _, s := range []*stem{target, liar} {
				s.trusts(caller)
			}
			liar.up(append(alone, "--no-mdns")...)
			target.up(alone...)
			caller.up(alone...)
			lies := []string{fmt.Sprintf("/ip4/%s/udp/4433/quic-v1/p2p/%s", liar.host.Addr,
				target.id)}
			for i := range number - 1 {
				lies = append(lies, fmt.Sprintf("/ip4/192.168.1.%d/udp/4433/quic-v1/p2p/%s", 100+i,
					target.id))
			}
			// The truth about itself tells when the caller has heard the lies, too.
			announce(t, liar.host, append(lies,
				fmt.Sprintf("/ip4/%s/udp/4433/quic-v1/p2p/%s", liar.host.Addr, liar.id)))
			caller.getsThrough(liar, findWait)
			caller.getsThrough(target, busy(4*time.Second))
		})
	}
}
