package portmap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// errNoAddress is the answer of a router that is behind another NAT or is offline.
var errNoAddress = errors.New("the router has no public address")

// find returns the first opener that the router answers.
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
