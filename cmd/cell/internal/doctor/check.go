// Package doctor looks for what may be wrong on this machine: small checks, a file for
// each subject, that say what they saw and the line that mends it. Nothing is changed by
// looking, and nobody is asked over a network.
//
//	checks := doctor.Home(h)
//	checks = append(checks, doctor.Clock(h, time.Now())...)
//	if len(doctor.Broken(checks)) > 0 { … }
//
// What only a running stem knows is handed in, as with Network.
package doctor

import (
	"fmt"
	"slices"
)

// State is how things stand.
type State string

const (
	OK   State = "ok"
	Note State = "note"   // it works, and something could be better
	Bad  State = "broken" // something will not work
)

// Check is one thing that was looked at.
type Check struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	What  string `json:"what"`
	// Remedy is what helps: a line to type, where there is one.
	Remedy string `json:"remedy,omitempty"`
}

// Broken names what will not work.
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

// note adds a remedy to what is worth a note.
func (c Check) note(remedy string) Check {
	c.State, c.Remedy = Note, remedy
	return c
}

// bad adds a remedy to what is broken.
func (c Check) bad(remedy string) Check {
	c.State, c.Remedy = Bad, remedy
	return c
}
