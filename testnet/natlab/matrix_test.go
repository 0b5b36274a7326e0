//go:build linux

package natlab

import (
	"fmt"
	"slices"
	"testing"
)

// maxTries is how often two stems may meet anew, in a lab of their own each time, before
// a route counts as wrong.
const maxTries = 5

// Every kind of network reaches every other one, in the way that it should.
func TestRoutes(t *testing.T) {
	needLab(t)
	var encounters []encounter
	for _, dialer := range Kinds {
		for _, target := range Kinds {
			encounters = append(encounters, encounter{
				name:  fmt.Sprintf("%v to %v", dialer, target),
				sites: []Site{dialer.Site("dialer"), target.Site("target")},
				want:  RouteBetween(dialer, target),
			})
		}
	}
	for _, n := range Neighbours {
		encounters = append(encounters, encounter{
			name:  fmt.Sprintf("neighbours at %v, mDNS %v", n.Kind, n.MDNS),
			sites: []Site{n.Kind.Site("dialer", "target")},
			mdns:  n.MDNS,
			want:  n.Want,
		})
	}
	outcomes := make([]outcome, len(encounters))
	t.Run("from", func(t *testing.T) { // and return when all have ended
		for i, e := range encounters {
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				for try := 1; ; try++ {
					o := outcome{encounter: e, tries: try}
					o.meet(t)
					outcomes[i] = o
					if o.route == o.want {
						return
					}
					if try == maxTries {
						t.Fatalf("the route is %v, over %s, want %v", o.route, o.ended, o.want)
					}
					t.Logf("try %d: the route is %v, over %s, want %v", try, o.route, o.ended,
						o.want)
				}
			})
		}
	})
	t.Log("\n" + table(outcomes) + "\n" + Grid(func(dialer, target Kind) string {
		pair := slices.Index(Kinds, dialer)*len(Kinds) + slices.Index(Kinds, target)
		return outcomes[pair].brief()
	}))
}
