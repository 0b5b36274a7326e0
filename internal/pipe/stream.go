// Package pipe carries the bytes of a call. A Stream is one end of a two-way channel
// whose directions end separately; Join connects two of them until both directions have
// ended.
package pipe

import (
	"errors"
	"io"
	"time"
)

// Stream is what a call travels on: a Unix socket, a libp2p stream, or stdin and stdout.
//
// How a direction ended is told by Read alone: io.EOF is an orderly end, any other error a cut.
// Read and Write may be called at the same time; the other methods at any time.
type Stream interface {
	io.Reader

	// Write fails with ErrStopped once the other end takes no more, which says nothing about
	// the direction that is read; any other error is a cut.
	io.Writer

	// CloseWrite ends the written direction in order; the other end reads io.EOF. It may
	// fail with ErrStopped, as Write does.
	CloseWrite() error

	// CloseRead says that no more will be read: the other end's Write fails with
	// ErrStopped, where the transport can tell it, and what still arrives is dropped. A
	// Read under way ends, with ErrReadClosed or io.EOF.
	CloseRead() error

	// SetDeadline bounds the Reads and Writes under way and to come; the zero time means none.
	SetDeadline(t time.Time) error

	// Close releases the stream. Both directions should have ended; what has not is cut.
	Close() error

	// Abort cuts both directions, so that the other end never takes it for an orderly end,
	// and releases the stream. reason is for those who can be told; it is never sent to a stranger.
	Abort(reason error)
}

// ErrUnanswered is wrapped by the error of a stream whose connection was lost before the
// other end has answered on it at all. It may have heard nothing.
var ErrUnanswered = errors.New("the other end has not answered")

// ErrStopped is what Write returns when the other end takes no more.
var ErrStopped = errors.New("the other end takes no more")

// ErrReadClosed is what Read returns after CloseRead, unless it returns io.EOF.
var ErrReadClosed = errors.New("closed for reading")

// ErrAborted is what Read returns, on a transport that can tell, when the other end has
// cut both directions.
var ErrAborted = errors.New("the other end broke off")
