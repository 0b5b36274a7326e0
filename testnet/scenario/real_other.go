//go:build !linux

package scenario

import "errors"

func newReal(*Plan, Options) (network, error) {
	return nil, errors.New("real networks need Linux's network namespaces: leave out --real")
}
