package wire

import (
	"strings"
	"unicode"
)

// Code is the reason of a refusal in one word. It is an error, and it survives both hops, so
// that errors.Is(err, wire.Denied) also holds at the far end. No other codes will be added.
type Code string

const (
	NotFound    Code = "not-found"   // the cell does not exist, and has no dna
	Denied      Code = "denied"      // the caller may not call the cell, whether or not it exists
	Unreachable Code = "unreachable" // no route to the peer was found
	Failed      Code = "failed"      // the cell could not be started or called
	Changed     Code = "changed"     // another peer than the known one answers there
	Busy        Code = "busy"        // too many requests at once
	Bad         Code = "bad"         // the request is malformed
	Cut         Code = "cut"         // the call did not end in order
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
	// Reason explains the code to a user who may know more. It may be empty.
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

// Words turns untrusted text into one line that is safe to print on a terminal: line breaks
// become " | ", other unprintable characters become spaces, and a long text is cut off.
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

// maxReason leaves room for the rest of a verdict line.
const maxReason = 3072
