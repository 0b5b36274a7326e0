package wire

import (
	"strings"
	"unicode"
)

// Code says in one word why a request was refused. The set is closed; it keeps its
// identity across both hops, so that errors.Is(err, wire.Denied) holds at the far end. A
// Code is an error.
type Code string

const (
	NotFound    Code = "not-found"   // there is no such cell, and no dna to start one
	Denied      Code = "denied"      // the caller may not reach that cell, whether or not it exists
	Unreachable Code = "unreachable" // no way to the peer was found
	Failed      Code = "failed"      // the cell could not be started or reached
	// at that place answers another peer than the one that is known there
	Changed Code = "changed"
	Busy    Code = "busy" // too much is being asked at once
	Bad     Code = "bad"  // the request could not be understood
	Cut     Code = "cut"  // the call did not come to an orderly end
)

func (c Code) Error() string { return string(c) }

func (c Code) known() bool {
	switch c {
	case NotFound, Denied, Unreachable, Failed, Changed, Busy, Bad, Cut:
		return true
	}
	return false
}

// Refusal is a verdict that is not ok.
type Refusal struct {
	Code Code
	// Reason says more, in words, to somebody who may know. If empty, there is no more to say.
	Reason string
}

func (r Refusal) Error() string {
	if r.Reason == "" {
		return string(r.Code)
	}
	return r.Reason
}

// Unwrap makes errors.Is(err, wire.Denied) and the like hold.
func (r Refusal) Unwrap() error { return r.Code }

// Words makes one line of any text, fit to be shown on a terminal whoever wrote it: line
// ends become " | ", other control characters spaces, and what does not fit is left out.
func Words(text string) string {
	text = strings.Join(strings.FieldsFunc(text,
		func(r rune) bool { return r == '\n' || r == '\r' }), " | ")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return strings.TrimSpace(text)
}

// maxReason leaves room in a verdict line for everything else.
const maxReason = 3072
