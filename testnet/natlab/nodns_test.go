//go:build linux

package natlab

import (
	"strings"
	"testing"
	"time"
)

// Where nobody answers for names, a mesh is joined at once through whom one knows an IP
// address of, whatever names there are: of others, and of the very same.
func TestNoDNS(t *testing.T) {
	t.Parallel()
	for mesh, start := range map[string]func(t *testing.T, lab *Lab) (bootstrap []string){
		"lab": func(t *testing.T, lab *Lab) []string {
			return startMesh(t, lab, "server")[0].bootstrap()
		},
		"public": func(t *testing.T, lab *Lab) []string {
			return []string{"--bootstrap", startServers(t, lab, "server")[0]}
		},
	} {
		t.Run(mesh, func(t *testing.T) {
			t.Parallel()
			lab := newLab(t, Link{Delay: delay}, Public.Site("server"), EIM.Site("caller"))
			flags := start(t, lab)
			_, id, _ := strings.Cut(flags[1], "/p2p/")
			caller, other := newStem(t, lab.Host("caller")), newStem(t, lab.Host("caller"))
			for _, named := range []string{other.id, id} {
				for _, name := range []string{"/dnsaddr/boot.example.org",
					"/dns4/boot.example.org/tcp/4433", "/dns/boot.example.org/udp/4433/quic-v1"} {
					flags = append(flags, "--bootstrap", name+"/p2p/"+named)
				}
			}
			check(t, lab.Host("caller").Routers[0].dropDNS())
			caller.up(append(flags, "--mesh", mesh, "--no-mdns")...)
			caller.joined()
			took := time.Since(caller.began).Round(time.Millisecond)
			if t.Logf("joined after %v", took); took > busy(time.Second) {
				t.Errorf("to join took %v", took)
			}
			caller.mustFail(other, busy(2*time.Second))
		})
	}
}

// dropDNS makes the router drop questions for names, without a word.
func (r *Router) dropDNS() error {
	return r.namespace.nft(`
		table inet nodns {
			chain forward { type filter hook forward priority filter
				meta l4proto { tcp, udp } th dport 53 drop
			}
		}`)
}
