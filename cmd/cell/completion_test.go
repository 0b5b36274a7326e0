package main

import (
	"strings"
	"testing"
)

func TestArgumentsOf(t *testing.T) {
	for usage, want := range map[string]string{
		"peers":                                    "",
		"connect ADDRESS":                          "ADDRESS",
		"rename PEER PETNAME":                      "PEER PETNAME",
		"ls [@PEER]":                               "@PEER",
		"unlink ADDRESS|LISTEN":                    "ADDRESS|LISTEN",
		"forward [LISTEN] ADDRESS":                 "LISTEN|ADDRESS ADDRESS",
		"trust PEER [--as PETNAME] [--x]":          "PEER",
		"share NAME [--to PEER] | --revoke SERIAL": "NAME",
		"invite [--cells a,b] [--uses N]":          "",
		"run NAME [--mode stdio|fd] [--idle 5m] -- PROGRAM [ARG…]": "NAME",
	} {
		if got := strings.Join(argumentsOf(usage), " "); got != want {
			t.Errorf("%s: %q, want %q", usage, got, want)
		}
	}
}
