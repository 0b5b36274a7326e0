package synapse

import (
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
)

// Errors of Dial, to be matched with errors.Is. They hold across machines: the stem of the
// cell's machine reports the reason.
var (
	// ErrNotFound: the cell does not exist, and there is no dna to start it from.
	ErrNotFound error = wire.NotFound
	// ErrDenied: the other machine does not let this one call the cell, or has no such
	// cell. It does not tell which.
	ErrDenied error = wire.Denied
	// ErrUnreachable: no route to the peer was found.
	ErrUnreachable error = wire.Unreachable
	// ErrChanged: a different peer than the known one answers at this address.
	ErrChanged error = wire.Changed
	// ErrFailed: the cell could not start. For a cell on this machine, the error includes
	// the last lines that it printed.
	ErrFailed error = wire.Failed
	// ErrBusy: the other machine has too many requests; try again later.
	ErrBusy error = wire.Busy
	// ErrNoStem: the call needs a stem, and none is running on this machine.
	ErrNoStem = stemclient.ErrNoStem
)
