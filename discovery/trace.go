package discovery

import (
	"context"

	ma "github.com/multiformats/go-multiaddr"
)

// Told hears of a source that knows a peer, or of one that does not, and why.
type Told func(source string, addrs []ma.Multiaddr, err error)

type toldKey struct{}

// WithTold returns a context under which Find tells who brought which addresses, from any
// goroutine. Whoever is told must not wait.
func WithTold(ctx context.Context, told Told) context.Context {
	return context.WithValue(ctx, toldKey{}, told)
}

// hears is whom to tell, or nil.
func hears(ctx context.Context) Told {
	told, _ := ctx.Value(toldKey{}).(Told)
	return told
}

// from puts the name of a source to what it finds.
func (told Told) from(source string, found func([]ma.Multiaddr)) func([]ma.Multiaddr) {
	if told == nil {
		return found
	}
	return func(addrs []ma.Multiaddr) {
		told(source, addrs, nil)
		found(addrs)
	}
}

// nothing passes a source's error on.
func (told Told) nothing(source string, err error) error {
	if told != nil && err != nil {
		told(source, nil, err)
	}
	return err
}
