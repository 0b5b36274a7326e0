//go:build !linux

package bench

import (
	"errors"
	"time"
)

// use is the resource use of a process.
type use struct {
	cpu              time.Duration
	memory, switches int64
}

var errUnsupported = errors.New("the resource use of processes is measured on Linux only")

func useOf(int) (use, error)        { return use{}, errUnsupported }
func residentOf(int) (int64, error) { return 0, errUnsupported }
