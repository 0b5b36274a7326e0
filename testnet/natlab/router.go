//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
)

// Router is between a network and the internet, or between a network and a carrier.
type Router struct {
	*machine
	// Addr is the IPv4 address outside. Renumber changes it.
	Addr netip.Addr

	bits  int // prefix length of the network of Addr
	ports int // how many ports of its bridge are used
}

// Flush makes the router forget all connections, as after a reboot.
func (r *Router) Flush() error { return r.Do(flushConntrack) }

// Renumber gives the router a new address and cuts all connections, as internet providers do
// at night. The old address reaches no one.
func (r *Router) Renumber() error {
	was, now := netip.PrefixFrom(r.Addr, r.bits), netip.PrefixFrom(r.Addr.Next(), r.bits)
	err := r.namespace.ip(addAddr(now, uplink), fmt.Sprintf("addr del %s dev %s", was, uplink))
	if err != nil {
		return err
	}
	r.Addr = now.Addr()
	// A Cone would forward packets for the old address.
	if err := r.namespace.nft(fmt.Sprintf("insert rule inet natlab outside ip daddr %s drop",
		was.Addr())); err != nil {
		return err
	}
	return r.Flush()
}

// DropUDP makes the router drop all UDP, until ForwardUDP.
func (r *Router) DropUDP() error { return r.namespace.nft("add rule inet natlab datagrams drop") }

// ForwardUDP undoes DropUDP.
func (r *Router) ForwardUDP() error { return r.namespace.nft("flush chain inet natlab datagrams") }
