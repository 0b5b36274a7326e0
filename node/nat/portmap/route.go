package portmap

import (
	"errors"
	"net"
	"net/netip"

	"github.com/libp2p/go-netroute"
)

// abroad is some address on the Internet: nothing is sent there, but the system is asked
// for the way. (Asked for the way to
// 0.0.0.0, go-netroute says that there must be a destination.)
var abroad = net.IPv4(1, 1, 1, 1)

var errNoRouter = errors.New("no router leads to the Internet")

// defaultRoute is the router that leads to the Internet, and our address on the way there.
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
