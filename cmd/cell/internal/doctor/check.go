// Package doctor finds problems on this machine. It is a set of small checks, one file per
// subject. Each check says what it found and which command fixes it. Checks change nothing
// and don't use the network.
//
//	checks := doctor.Home(h)
//	checks = append(checks, doctor.Clock(h, time.Now())...)
//	if len(doctor.Broken(checks)) > 0 { … }
//
// The caller passes in what only a running stem knows, such as Network.
package doctor

import (
	"fmt"
	"slices"
)

// State is the result of a check.
type State string

const (
	OK   State = "ok"
	Note State = "note"   // it works, but could be better
	Bad  State = "broken" // something will not work
)

// Check is one finding.
type Check struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	What  string `json:"what"`
	// Remedy is the fix: a command to run, if there is one.
	Remedy string `json:"remedy,omitempty"`
}

// Broken returns the names of the broken things.
func Broken(checks []Check) (names []string) {
	for _, c := range checks {
		if c.State == Bad && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

func ok(name, format string, args ...any) Check {
	return Check{Name: name, State: OK, What: fmt.Sprintf(format, args...)}
}

// note makes a finding a note, with a remedy.
func (c Check) note(remedy string) Check {
	c.State, c.Remedy = Note, remedy
	return c
}

// bad makes a finding broken, with a remedy.
func (c Check) bad(remedy string) Check {
	c.State, c.Remedy = Bad, remedy
	return c
}
