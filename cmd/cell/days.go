package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// days is a flag that takes a duration, and days, which time.ParseDuration leaves out
// since not all of them are as long: 7d, 1d12h.
type days time.Duration

func (d *days) Set(text string) error {
	number, rest, ok := strings.Cut(text, "d")
	whole := time.Duration(0)
	if ok {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return errNoTime
		}
		whole = time.Duration(n) * 24 * time.Hour
	} else {
		rest = text
	}
	if rest != "" || !ok {
		part, err := time.ParseDuration(rest)
		if err != nil || ok && part < 0 {
			return errNoTime
		}
		whole += part
	}
	*d = days(whole)
	return nil
}

var errNoTime = errors.New("it is a time as in 30m, 24h or 7d")

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
