package discovery

import (
	"context"

	ma "github.com/multiformats/go-multiaddr"
)

// Told is called with the addresses that a source knows, or with the reason why it knows
// none.
type Told func(source string, addrs []ma.Multiaddr, err error)

type toldKey struct{}

// WithTold returns a context under which Find calls told with the answer of each source,
// from any goroutine. It must not block.
func WithTold(ctx context.Context, told Told) context.Context {
	return context.WithValue(ctx, toldKey{}, told)
}

// reportOf returns the Told of a context, or nil.
func reportOf(ctx context.Context) Told {
	told, _ := ctx.Value(toldKey{}).(Told)
	return told
}

// found wraps a callback so that the addresses of a source are reported first.
func (told Told) found(source string, found func([]ma.Multiaddr)) func([]ma.Multiaddr) {
	if told == nil {
		return found
	}
	return func(addrs []ma.Multiaddr) {
		told(source, addrs, nil)
		found(addrs)
	}
}

// failed reports the error of a source, if any, and returns it.
func (told Told) failed(source string, err error) error {
	if told != nil && err != nil {
		told(source, nil, err)
	}
	return err
}
