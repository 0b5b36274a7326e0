// Package wire is the protocol of the stem, on its Unix socket and between stems: a request
// line, a verdict line, then bytes.
//
//	open retina@12D3KooW… [key=value …]\n        ok [key=value …]\n
//	germinate retina\n                           no CODE reason in words\n
//
// A line has at most 4 KiB. Bytes may follow the request line without waiting for the
// verdict. Readers ignore unknown keys, so that keys can be added later. What a verb means
// is left to package stem.
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

// lines holds buffers, since thousands of streams may wait for a line.
var lines = sync.Pool{New: func() any { return new([MaxLine]byte) }}

// readLine returns the first line without its newline. rest is what was read behind it, nil
// if nothing; it comes before what r returns next. If the stream ends before the newline,
// the error is io.ErrUnexpectedEOF.
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
