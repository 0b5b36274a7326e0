package synapse

import (
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
)

// What Dial may fail with, to be matched with errors.Is. They hold across machines: the
// stem of the cell's machine says which it is.
var (
	// ErrNotFound: there is no such cell, and no dna to start one.
	ErrNotFound error = wire.NotFound
	// ErrDenied: that machine does not let this one reach the cell, or has no such cell;
	// it does not say which.
	ErrDenied error = wire.Denied
	// ErrUnreachable: no way to the peer was found.
	ErrUnreachable error = wire.Unreachable
	// ErrChanged: at the place that was dialled answers another peer than the one that is
	// known there.
	ErrChanged error = wire.Changed
	// ErrFailed: the cell could not start. For a cell on this machine, the error carries
	// its last words.
	ErrFailed error = wire.Failed
	// ErrBusy: too much is being asked of that machine at once; try again later.
	ErrBusy error = wire.Busy
	// ErrNoStem: a stem is needed, and none runs on this machine.
	ErrNoStem = stemclient.ErrNoStem
)
