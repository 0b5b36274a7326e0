//go:build !linux

package scenario

import "errors"

func newReal(*Plan, Options) (network, error) {
	return nil, errors.New("networks of the kernel's own are made on Linux alone: leave out --real")
}
