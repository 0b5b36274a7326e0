package natlab

import (
	"fmt"
	"net/netip"
)

// Site is one network of a lab, with a link to the internet.
type Site struct {
	Kind Kind
	// Hosts are the names of the hosts. They are unique in the lab.
	Hosts []string
	// Link is the site's link. If nil, the lab's.
	Link *Link
}

// Over returns the site with its own link.
func (s Site) Over(l Link) Site {
	s.Link = &l
	return s
}

// maxLines is how many lines there are addresses for.
const maxLines = 254

// families returns 2 if a kind has IPv4 and IPv6, and 1 if it has only IPv4.
func families(k Kind) int {
	if k == Public || k == V6 || k == V6Firewall {
		return 2
	}
	return 1
}

// prefixes returns the IPv4 and IPv6 addresses of a line by its number.
func prefixes(line int) []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix(fmt.Sprintf("45.%d.0.0/16", line)),
		netip.MustParsePrefix(fmt.Sprintf("2a01:%x::/32", line)),
	}
}

// lan returns the addresses inside a home. Those of IPv6 are part of the line's.
func lan(line int) []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix(fmt.Sprintf("192.168.%d.0/24", line)),
		netip.MustParsePrefix(fmt.Sprintf("2a01:%x:1::/64", line)),
	}
}

// access has the addresses between a carrier and its subscribers' routers.
var access = netip.MustParsePrefix("100.64.0.0/16")

// nth returns the n-th address of a network. The first is the router's.
func nth(p netip.Prefix, n int) netip.Prefix {
	addr := p.Addr()
	for range n {
		addr = addr.Next()
	}
	return netip.PrefixFrom(addr, p.Bits())
}
