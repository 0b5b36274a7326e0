package main

import (
	"context"
	"fmt"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/links"
)

// linksOf returns the links and forwards that the stem serves, and the kept ones that it
// does not serve.
func linksOf(ctx context.Context, h home.Home) (list []cellJSON) {
	problem := "no stem is running"
	status, err := stemStatus(ctx)
	if err == nil {
		problem = `not served: see "cell status"`
	}
	served := map[string]bool{}
	for _, link := range status.Links {
		served[link.Listen] = true
		list = append(list, cellJSON{Name: link.To, Listen: link.Listen, Kept: link.Kept,
			Calls: link.Calls})
	}
	kept, _, _ := links.Read(h) // "cell status" reports a bad file
	for _, k := range kept {
		if _, at, err := k.Listen.In(h); err == nil && !served[at] {
			k.To.Key = ""
			list = append(list, cellJSON{Name: k.To.String(), Listen: at, Kept: true,
				Problem: problem})
		}
	}
	return list
}

func describeLink(link cellJSON) string {
	state := "until the stem ends"
	if link.Kept {
		state = "kept"
	}
	switch {
	case link.Problem != "":
		return state + ", " + link.Problem
	case link.Calls > 0:
		return fmt.Sprintf("%s, %s", state, count(link.Calls, "call"))
	}
	return state
}
