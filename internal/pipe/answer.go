package pipe

import (
	"strings"
	"sync"
	"time"
)

// Answer returns a stream whose other end has sent text and left: Read returns text and
// then io.EOF, and Write fails.
func Answer(text string) Stream { return &answer{text: strings.NewReader(text)} }

type answer struct {
	mu   sync.Mutex
	text *strings.Reader
}

func (a *answer) Read(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text.Read(p)
}

func (a *answer) Write([]byte) (int, error)   { return 0, ErrStopped }
func (a *answer) CloseWrite() error           { return nil }
func (a *answer) CloseRead() error            { return nil }
func (a *answer) SetDeadline(time.Time) error { return nil }
func (a *answer) Close() error                { return nil }
func (a *answer) Abort(error)                 {}
