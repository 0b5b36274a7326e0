//go:build linux

package natlab

import "testing"

// All 64 pairs, so that a change of the rule shows.
func TestRouteBetween(t *testing.T) {
	const want = `
| from \ to | eim | sym | cone | cgn | tcp-only | v6 | v6fw | public |
|---|---|---|---|---|---|---|---|---|
| eim | direct | relayed | direct | direct | direct | direct | direct | direct |
| sym | relayed | relayed | direct | relayed | relayed | relayed | relayed | direct |
| cone | direct | direct | direct | direct | direct | direct | direct | direct |
| cgn | direct | relayed | direct | direct | direct | direct | direct | direct |
| tcp-only | direct | relayed | direct | direct | direct | direct | direct | direct |
| v6 | direct | relayed | direct | direct | direct | direct | direct | direct |
| v6fw | direct | relayed | direct | direct | direct | direct | direct | direct |
| public | direct | direct | direct | direct | direct | direct | direct | direct |
`
	got := "\n" + Grid(func(dialer, target Kind) string {
		return RouteBetween(dialer, target).String()
	})
	if got != want {
		t.Errorf("%s\nwant%s", got, want)
	}
}

// There is one for each kind.
func TestBehavioursAreComplete(t *testing.T) {
	lines := map[Kind]int{}
	for _, b := range Behaviours {
		lines[b.Kind]++
	}
	for _, kind := range Kinds {
		if n := lines[kind]; n != 1 {
			t.Errorf("%v has %d lines", kind, n)
		}
	}
}
