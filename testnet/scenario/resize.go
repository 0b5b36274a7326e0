package scenario

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Public gives every node a public address, and removes events that need routers.
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

// maxRate is the number of calls per second that Resize lets a scenario grow to: two cores
// manage as many between a thousand nodes that have never met.
const maxRate = 12

// Resize sets the total number of nodes: groups with a count keep it, and those with a
// share divide the rest. If that makes too many calls per second for one machine, each
// node calls less often.
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
		return errors.New("every group has a count: write share in those that can grow")
	case shared && nodes <= fixed:
		return fmt.Errorf("the groups with a count already have %d: write more", fixed)
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
				longer := time.Duration(float64(every.Duration) * more)
				every.Duration = longer.Round(time.Millisecond)
			}
		}
	}
	return nil
}

// rate returns how many calls per second the loads without a limit of calls make.
func (s Spec) rate() (rate float64) {
	for _, l := range s.Loads {
		if l.Calls == 0 {
			rate += float64(len(s.members(l.From))) / l.Every.Seconds()
		}
	}
	return rate
}
