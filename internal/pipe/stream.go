// Package pipe carries the bytes of a call. A Stream is one end of a two-way channel whose
// directions end separately. Join connects two of them:
//
//	report := pipe.Join(ctx, caller, pipe.Unix(cell))
//	log.Print(report.Forth, report.Back, report.Err)
//
// Join delivers all bytes in order, and never turns a cut into an orderly end where the
// transport can express the difference. A slow reader slows the writer, and an idle stream
// holds next to no memory. Opening and authorising a call is left to other packages.
package pipe

import (
	"errors"
	"io"
	"time"
)

// Stream is one end of a call: a Unix socket, a libp2p stream, or stdin and stdout.
//
// Only Read tells how a direction ended: io.EOF is an orderly end, any other error is a
// cut. One Read and one Write may run at the same time; the other methods may be called at
// any time.
type Stream interface {
	io.Reader

	// Write fails with ErrStopped once the other end does not read any more. The other end
	// may still be writing then. Any other error is a cut.
	io.Writer

	// CloseWrite ends the written direction in order: the other end reads io.EOF. It may
	// fail with ErrStopped, like Write.
	CloseWrite() error

	// CloseRead stops reading. A Read in progress returns ErrReadClosed or io.EOF, and data
	// that still arrives is dropped. The other end's Write fails with ErrStopped if the
	// transport can tell it.
	CloseRead() error

	// SetDeadline applies to current and future Reads and Writes. The zero time removes it.
	SetDeadline(t time.Time) error

	// Close releases the stream. A direction that has not ended yet is cut.
	Close() error

	// Abort cuts both directions and releases the stream. The other end reads an error and
	// not io.EOF, if the transport can express it. reason stays on this machine.
	Abort(reason error)
}

// ErrUnanswered is wrapped by errors of a stream whose connection was lost before the other
// end sent anything. The other end may have received nothing.
var ErrUnanswered = errors.New("the other end has not answered")

// ErrStopped is returned by Write when the other end does not read any more.
var ErrStopped = errors.New("the other end does not read any more")

// ErrReadClosed is returned by Read after CloseRead, unless it returns io.EOF.
var ErrReadClosed = errors.New("closed for reading")

// ErrAborted is returned by Read when the other end has cut both directions, if the
// transport can tell.
var ErrAborted = errors.New("the other end broke off")
