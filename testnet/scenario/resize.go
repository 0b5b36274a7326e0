package scenario

import (
	"errors"
	"fmt"
	"slices"
)

// What a flag makes of a Spec.

// Public puts every node on the internet itself, without routers.
func (s *Spec) Public() {
	groups := slices.Clone(s.Groups)
	for i := range groups {
		groups[i].Place, groups[i].LAN, groups[i].Hairpin = Place{}, "", false
	}
	s.Groups = groups
	s.Events = slices.DeleteFunc(slices.Clone(s.Events), func(e Event) bool { return e.Do == Renumber || e.Do == KillRelay })
}

// errFixed is what Resize fails with where no group has a share.
var errFixed = errors.New("every group has a count: write share in those that are to grow with --nodes")

// Resize sets how many nodes there are in all: groups with a count keep it, and those with a share divide the rest.
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
	s.Nodes = nodes - fixed
	return s.Check()
}
