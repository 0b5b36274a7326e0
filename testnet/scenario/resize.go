package scenario

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What a flag makes of a Spec.

// Public puts every node on the internet itself, without routers.
func (s *Spec) Public() {
	groups := slices.Clone(s.Groups)
	for i := range groups {
		groups[i].Place, groups[i].LAN, groups[i].Hairpin = Place{}, "", false
	}
	s.Groups = groups
	s.Events = slices.DeleteFunc(slices.Clone(s.Events), func(e Event) bool {
		return e.Do == Renumber || e.Do == KillRelay
	})
}

// errFixed is what Resize fails with where no group has a share.
var errFixed = errors.New("every group has a count: write share in those that are to grow with --nodes")

// maxRate is how many calls a second a bigger network comes to: what two cores carry
// between a thousand nodes that have never met.
const maxRate = 12

// Resize sets how many nodes there are in all: groups with a count keep it, and those
// with a share divide the rest. If that makes more calls a second than one machine may
// carry, each node calls less often.
func (s *Spec) Resize(nodes int) error {
	fixed, shared := 0, false
	for _, g := range s.Groups {
		fixed += g.Count
		shared = shared || g.Share > 0
	}
	switch {
	case nodes < 1 || nodes > MaxNodes:
		return fmt.Errorf("write 1 to %d", MaxNodes)
	case !shared && fixed != nodes:
		return errFixed
	case shared && nodes <= fixed:
		return fmt.Errorf("the groups with a count have %d already: write more", fixed)
	}
	was := s.rate()
	s.Nodes = nodes - fixed
	if err := s.Check(); err != nil {
		return err
	}
	if more := s.rate() / max(was, maxRate); more > 1 {
		s.Loads = slices.Clone(s.Loads)
		for i := range s.Loads {
			if every := &s.Loads[i].Every; s.Loads[i].Calls == 0 {
				every.Duration = time.Duration(float64(every.Duration) * more).Round(time.Millisecond)
			}
		}
	}
	return nil
}

// rate is how many calls a second the loads come to that go on until the end.
func (s Spec) rate() (rate float64) {
	for _, l := range s.Loads {
		if l.Calls == 0 {
			rate += float64(len(s.members(l.From))) / l.Every.Seconds()
		}
	}
	return rate
}
