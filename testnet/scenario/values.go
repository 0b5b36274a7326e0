package scenario

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// The types below are structs because the decoder would store a plain number in a numeric
// type without calling UnmarshalText.

// Duration is written as in "1m30s".
type Duration struct{ time.Duration }

// MarshalText prints what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// maxDuration catches typing errors.
const maxDuration = 1000 * time.Hour

// UnmarshalText reads a duration from 0 to 1000h.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	d.Duration, err = parseDuration(string(text))
	return err
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxDuration {
		return 0, fmt.Errorf("%q is not a duration up to 1000h, as in \"30s\"", text)
	}
	return d, nil
}

// Span is a range of durations: "20ms" or "5ms-40ms".
type Span struct{ Min, Max time.Duration }

// MarshalText prints what UnmarshalText reads.
func (s Span) MarshalText() ([]byte, error) {
	if s.Min == s.Max {
		return []byte(s.Min.String()), nil
	}
	return []byte(s.Min.String() + "-" + s.Max.String()), nil
}

// UnmarshalText reads one duration, or two.
func (s *Span) UnmarshalText(text []byte) (err error) {
	low, high, isSpan := strings.Cut(string(text), "-")
	if s.Min, err = parseDuration(strings.TrimSpace(low)); err != nil {
		return err
	}
	s.Max = s.Min
	if isSpan {
		if s.Max, err = parseDuration(strings.TrimSpace(high)); err != nil {
			return err
		}
	}
	if s.Max < s.Min {
		return fmt.Errorf("%q has its maximum before its minimum", text)
	}
	return nil
}

// Rate is in bytes per second. It is written in bits: "500kbit", "20mbit", "1gbit".
type Rate struct{ Bytes int }

var rateUnits = []struct {
	name string
	bits float64
}{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}

// MarshalText prints what UnmarshalText reads.
func (r Rate) MarshalText() ([]byte, error) {
	for _, unit := range rateUnits {
		if n := float64(r.Bytes) * 8 / unit.bits; n == math.Trunc(n) {
			return fmt.Appendf(nil, "%.0f%s", n, unit.name), nil
		}
	}
	return fmt.Appendf(nil, "%dbit", r.Bytes*8), nil
}

// UnmarshalText reads a rate of at least one byte per second.
func (r *Rate) UnmarshalText(text []byte) error {
	for _, unit := range rateUnits {
		if number, ok := strings.CutSuffix(string(text), unit.name); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if bytes := n * unit.bits / 8; err == nil && bytes >= 1 && bytes <= 1e12 {
				r.Bytes = int(bytes)
				return nil
			}
			break
		}
	}
	return fmt.Errorf("%q is not a rate, as in \"20mbit\"", text)
}

// Place is a kind of network: public, eim, sym, cone, cgn, v6, v6fw or tcp-only.
type Place struct{ natlab.Kind }
