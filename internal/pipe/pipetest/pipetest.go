// Package pipetest has a pipe.Stream in memory, with the half-close that net.Pipe lacks.
// It blocks only on channels and conditions, so it lives in a testing/synctest bubble.
package pipetest

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
)

// ErrReset is what an end reads and writes after the other end has aborted.
var ErrReset error = reset{}

type reset struct{}

func (reset) Error() string { return "reset by the other end" }
func (reset) Unwrap() error { return pipe.ErrAborted }

// Capacity is how many bytes a direction holds before its writer waits.
const Capacity = 64 << 10

// New returns the two ends of a channel.
func New() (a, b pipe.Stream) {
	one, two := newHalf(), newHalf()
	return &end{in: one, out: two}, &end{in: two, out: one}
}

type end struct{ in, out *half }

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }
func (e *end) CloseWrite() error           { e.out.end(io.EOF, errClosed); return nil }
func (e *end) CloseRead() error {
	e.in.end(pipe.ErrReadClosed, pipe.ErrStopped)
	return nil
}

func (e *end) Close() error {
	e.CloseRead()
	return e.CloseWrite()
}

func (e *end) Abort(error) {
	e.in.end(errClosed, ErrReset)
	e.out.end(ErrReset, errClosed)
}

func (e *end) SetDeadline(t time.Time) error {
	e.in.setDeadline(&e.in.readBy, t)
	e.out.setDeadline(&e.out.writeBy, t)
	return nil
}

var errClosed = errors.New("used after it was closed")

// half is one direction.
type half struct {
	mu      sync.Mutex
	changed sync.Cond
	data    []byte
	// The first end of a direction says what its reader and its writer get from then on.
	readErr, writeErr error
	readBy, writeBy   time.Time
}

func newHalf() *half {
	h := &half{}
	h.changed.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readErr != nil && h.readErr != io.EOF:
			return 0, h.readErr
		case len(h.data) > 0:
			n := copy(p, h.data)
			h.data = h.data[n:]
			h.changed.Broadcast()
			return n, nil
		case h.readErr != nil:
			return 0, h.readErr
		case passed(h.readBy):
			return 0, os.ErrDeadlineExceeded
		}
		h.changed.Wait()
	}
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.writeErr != nil:
			return n, h.writeErr
		case len(p) == 0:
			return n, nil
		case passed(h.writeBy):
			return n, os.ErrDeadlineExceeded
		case len(h.data) < Capacity:
			some := p[:min(len(p), Capacity-len(h.data))]
			h.data = append(h.data, some...)
			n, p = n+len(some), p[len(some):]
			h.changed.Broadcast()
			continue
		}
		h.changed.Wait()
	}
}

func (h *half) end(readErr, writeErr error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writeErr == nil {
		h.readErr, h.writeErr = readErr, writeErr
	} else if h.readErr == io.EOF && readErr != io.EOF && len(h.data) > 0 {
		h.readErr = readErr // a cut overtakes an orderly end that was not read yet
	}
	h.changed.Broadcast()
}

func (h *half) setDeadline(which *time.Time, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*which = t
	h.changed.Broadcast()
	if left := time.Until(t); left > 0 { // what is due has been told
		time.AfterFunc(left, h.wake)
	}
}

// wake takes the lock, so that it comes before a look at the clock or after the Wait
// behind it, never between.
func (h *half) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed.Broadcast()
}

func passed(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }
