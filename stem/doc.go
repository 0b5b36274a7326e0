// Package stem is the daemon: it connects callers to cells, here and on other machines.
//
//	s, err := stem.New(stem.Config{Home: h, Network: network})
//	…
//	err = s.Run(ctx) // until ctx ends
//
// A call comes in by one of four doors and then takes the same way:
//
//	local.go   the user's socket ──┐
//	remote.go  another stem ───────┤  serve.go     reach.go
//	raw.go     a libp2p program ───┼─→ request ──→ the way ──┬─→ a peer elsewhere: ask its stem
//	links.go   a linked socket ────┘   verdict    (place.go) └─→ gate.Allow, then
//	                                   join                      germinate: the cell's socket
//	                                                             reserved.go: stem.join, stem.list
//
// What it keeps while calls run, and tells its owner:
//
//	stem.go     New, Run: the lifetime of it all       config.go  what a stem is given
//	calls.go    which calls of local callers were cut  record.go  log/calls.jsonl
//	denied.go   peers that were denied a cell          status.go  `cell status`
//	trace.go    `cell ping` and `cell find`
//
// Three packages below it do one thing each: gate decides who may reach what, policy makes the
// gate's rules from files, and germinate starts cells and connects to them.
//
// A stem may end at any time and another takes over: cells run in sessions of their own and
// their sockets are in the file system. Only what it knows of the calls under way ends with it.
// A stranger learns nothing from it: a cell that does not exist and one that they may not reach
// are refused with the same bytes, after the same time.
//
// The package imports no network library. Network says what it needs of one.
package stem
