// Package stem is the daemon: it brings callers and cells together, and keeps no list of either.
//
// A call travels through its files in this order:
//
//	local.go, remote.go   the two doors: the Unix socket of this machine's user, and other stems. Both call
//	serve.go              which reads the request, has the way found, writes the verdict, and joins the two ends.
//	reach.go              is the only fork: a peer elsewhere is asked in turn; for a cell here
//	place.go              (a place is asked who lives there first;)
//	gate.go               says whether the caller may reach it, from memory and nothing else;
//	germinate.go          brings it to answer at its socket if it does not,
//	start.go              by starting its dna and waiting for the first of: it answers, it ends, its time is up.
//
// links.go makes calls of what connects to the links and forwards of this machine, and
// sends them the same way.
//
// A stem may end at any time, and another takes up where it was: cells live in sessions
// of their own, their sockets in the file system. What a stem knows only of calls under
// way (calls.go) ends with those calls.
//
// The package knows no network library. Network is what it needs of one.
package stem
