package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// days is a duration flag that also takes days, which time.ParseDuration does not: 7d, 1d12h.
type days time.Duration

func (d *days) Set(text string) error {
	number, rest, ok := strings.Cut(text, "d")
	whole := time.Duration(0)
	if ok {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return errNotDays
		}
		whole = time.Duration(n) * 24 * time.Hour
	} else {
		rest = text
	}
	if rest != "" || !ok {
		part, err := time.ParseDuration(rest)
		if err != nil || ok && part < 0 {
			return errNotDays
		}
		whole += part
	}
	*d = days(whole)
	return nil
}

var errNotDays = errors.New(`must be a duration like "30m", "24h" or "7d"`)

func (d *days) String() string {
	text := time.Duration(*d).String()
	for _, unit := range []string{"m", "h"} {
		if short := strings.TrimSuffix(text, map[string]string{"m": "0s",
			"h": "0m"}[unit]); strings.HasSuffix(short, unit) {
			text = short
		}
	}
	return text
}

func (d *days) Type() string { return "duration" }
