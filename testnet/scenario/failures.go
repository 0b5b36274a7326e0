package scenario

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Failure is a reason why calls failed, and for how many.
type Failure struct {
	Reason string `json:"reason"`
	Times  int    `json:"times"`
}

// failures counts the reasons why calls failed. Reasons that differ only in peers and
// addresses count as one.
func failures(records []Record) []Failure {
	reasons := map[string]int{}
	for _, r := range records {
		if !r.Answered() {
			reasons[brief(r.Err)]++
		}
	}
	list := []Failure{}
	for reason, times := range reasons {
		list = append(list, Failure{reason, times})
	}
	slices.SortFunc(list, func(a, b Failure) int {
		return cmp.Or(b.Times-a.Times, strings.Compare(a.Reason, b.Reason))
	})
	return list
}

// The parts that differ between reasons of one kind.
var (
	addresses = regexp.MustCompile(`/(ip4|ip6|p2p)/[^\s,;:]+(:[0-9a-f:]*)?\S*`)
	ids       = regexp.MustCompile(`12D3Koo\w+`)
	callers   = regexp.MustCompile(`^\S+: dial \S+: `)
	sightings = regexp.MustCompile(`; it was last seen on [-0-9]+ [:0-9]+`)
)

// brief removes peers, addresses and times from a reason.
func brief(reason string) string {
	reason = sightings.ReplaceAllString(callers.ReplaceAllString(reason, ""), "")
	if before, _, ok := strings.Cut(reason, ": /ip"); ok {
		reason = before // the rest repeats it for each address
	}
	reason = addresses.ReplaceAllString(reason, "ADDRESS")
	return ids.ReplaceAllString(reason, "PEER")
}
