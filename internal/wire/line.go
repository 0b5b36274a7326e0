// Package wire is what a stem is asked and what it answers, on its Unix socket and
// between stems alike: a request line, a verdict line, then bytes.
//
//	open retina@12D3KooW… [key=value …]\n        ok [key=value …]\n
//	germinate retina\n                           no CODE reason in words\n
//
// A line is at most 4 KiB, and bytes may follow it at once. Unknown keys are ignored, so
// the wire can grow.
package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxLine is the length of the longest line, in bytes, its newline included.
const MaxLine = 4096

// ErrTooLong is returned for a line that does not end within MaxLine bytes.
var ErrTooLong = errors.New("line is longer than 4096 bytes")

// lines are buffers for what waits for a line, which may be thousands.
var lines = sync.Pool{New: func() any { return new([MaxLine]byte) }}

// readLine reads up to and with the first newline and returns the line without it. What
// was read behind it is returned as rest, which the reader of what follows must be given
// first; it is nil when there is none. A stream that ends before the newline gives
// io.ErrUnexpectedEOF.
func readLine(r io.Reader) (line string, rest []byte, err error) {
	buf := lines.Get().(*[MaxLine]byte)
	defer lines.Put(buf)
	for have := 0; ; {
		n, err := r.Read(buf[have:])
		seen := have
		have += n
		if i := bytes.IndexByte(buf[seen:have], '\n'); i >= 0 {
			end := seen + i
			if end+1 < have {
				rest = bytes.Clone(buf[end+1 : have])
			}
			return string(buf[:end]), rest, nil
		}
		switch {
		case have == MaxLine:
			return "", nil, ErrTooLong
		case err == io.EOF:
			return "", nil, io.ErrUnexpectedEOF
		case err != nil:
			return "", nil, fmt.Errorf("read line: %w", err)
		}
	}
}
