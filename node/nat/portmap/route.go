package portmap

import (
	"errors"
	"net"
	"net/netip"

	"github.com/libp2p/go-netroute"
)

// abroad is some address on the Internet. Nothing is sent there, only the system is asked
// for the route. (go-netroute 0.4.0 returns an error for 0.0.0.0.)
var abroad = net.IPv4(1, 1, 1, 1)

var errNoRouter = errors.New("no router leads to the Internet")

// defaultRoute returns the router that leads to the Internet, and our address on that route.
func defaultRoute() (router, source netip.Addr, err error) {
	routes, err := netroute.New()
	if err != nil {
		return router, source, err
	}
	_, gateway, from, err := routes.Route(abroad)
	if err != nil {
		return router, source, err
	}
	router, there := netip.AddrFromSlice(gateway)
	source, here := netip.AddrFromSlice(from)
	if !there || !here {
		return router, source, errNoRouter
	}
	return router.Unmap(), source.Unmap(), nil
}
