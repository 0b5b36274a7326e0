package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// errNoAddress is what routers say that are behind another NAT, or have lost their line.
var errNoAddress = errors.New("has no public address of its own")

// find returns the way in which the router lets itself be asked.
func find(ctx context.Context, router, source netip.Addr) (opener, error) {
	pmp := newPMP(router, source)
	_, _, noPMP := pmp.look(ctx)
	if noPMP == nil {
		return pmp, nil
	}
	upnp, noUPnP := newUPnP(ctx, router, source)
	if noUPnP == nil {
		return upnp, nil
	}
	return nil, fmt.Errorf("NAT-PMP: %w; UPnP: %w", noPMP, noUPnP)
}
