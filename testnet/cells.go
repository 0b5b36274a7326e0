package testnet

import (
	"context"
	"io"
	"time"
)

// Cell is what a cell does with a call: a function in the place of a program. When it returns, what it has written is delivered and
// the call is over; an error cuts the call. ctx ends with the node, or with the caller.
type Cell func(ctx context.Context, call io.ReadWriter) error

// Echo returns what it is sent.
func Echo(ctx context.Context, call io.ReadWriter) error { return nil }

// Slow returns a cell that waits before it echoes.
func Slow(wait time.Duration) Cell { return nil }

// Crash dies as soon as it has been sent something.
func Crash(ctx context.Context, call io.ReadWriter) error { return nil }

// Silent reads everything and never says a word.
func Silent(ctx context.Context, call io.ReadWriter) error { return nil }
