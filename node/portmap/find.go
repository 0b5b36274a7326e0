package portmap

import (
	"context"
	"fmt"
	"net/netip"
)

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
