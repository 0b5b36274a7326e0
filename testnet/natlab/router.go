//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
)

// Router stands between a network and the internet, or between a network and the router
// of a carrier.
type Router struct {
	*machine
	// Addr is the IPv4 address that those it serves share. Renumber changes it.
	Addr netip.Addr

	bits  int // of the network that Addr is in
	ports int // of its bridge that are taken
}

// Flush makes the router forget all connections that passed through it, as if it had been
// switched off and on.
func (r *Router) Flush() error { return r.Do(flushConntrack) }

// Renumber gives the router another address, as providers do at night. The old one is
// nobody's then, and what passed through it is cut.
func (r *Router) Renumber() error {
	was, now := netip.PrefixFrom(r.Addr, r.bits), netip.PrefixFrom(r.Addr.Next(), r.bits)
	err := r.namespace.ip(addAddr(now, uplink), fmt.Sprintf("addr del %s dev %s", was, uplink))
	if err != nil {
		return err
	}
	r.Addr = now.Addr()
	// What arrives for the old address would pass a port that is open at any.
	if err := r.namespace.nft(fmt.Sprintf("insert rule inet natlab outside ip daddr %s drop",
		was.Addr())); err != nil {
		return err
	}
	return r.Flush()
}

// DropUDP makes the router stop forwarding UDP, that of connections it knows included.
// ForwardUDP takes it back.
func (r *Router) DropUDP() error { return r.namespace.nft("add rule inet natlab datagrams drop") }

// ForwardUDP makes the router forward UDP as its kind does otherwise.
func (r *Router) ForwardUDP() error { return r.namespace.nft("flush chain inet natlab datagrams") }
