package main

import (
	"testing"
	"time"
)

func TestDays(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7d": 7 * 24 * time.Hour, "1d12h": 36 * time.Hour, "0d": 0, "24h": 24 * time.Hour,
		"90s": 90 * time.Second,
		"-1h": -time.Hour, "1h30m": 90 * time.Minute,
	} {
		var d days
		if err := d.Set(text); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %v, %v, want %v", text, time.Duration(d), err, want)
		}
	}
	for _, text := range []string{"", "d", "7", "-7d", "1.5d", "7d-1h", "7days", "d7", "99999d",
		"7d 1h", "soon"} {
		if d := days(time.Hour); d.Set(text) == nil || d != days(time.Hour) {
			t.Errorf("%q is taken for %v", text, time.Duration(d))
		}
	}
	for want, d := range map[string]time.Duration{"24h": 24 * time.Hour, "1h": time.Hour,
		"1m30s": 90 * time.Second, "1h30m": 90 * time.Minute, "10m": 10 * time.Minute} {
		printed := days(d)
		var again days
		if err := again.Set(printed.String()); err != nil || again != printed ||
			printed.String() != want {
			t.Errorf("%v prints as %q, want %q, and reads as %v, %v", d, printed.String(), want,
				again, err)
		}
	}
}
