package main

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

// output is a command's stdout. It remembers the first write that failed, so that no command has
// to check each line that it prints: an invite that did not fit on a full disk is lost, and the
// exit code must say so.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if o.err == nil && err != nil && !errors.Is(err, syscall.EPIPE) { // the reader has had enough
		o.err = fmt.Errorf("write to stdout: %w", err)
	}
	return n, err
}

// unwrap returns what an output writes to.
func unwrap(w io.Writer) io.Writer {
	if o, ok := w.(*output); ok {
		return o.Writer
	}
	return w
}
