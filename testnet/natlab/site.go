package natlab

import (
	"fmt"
	"net/netip"
)

// Site is one network of a lab, at the end of a line to the internet.
type Site struct {
	Kind Kind
	// Hosts are the names of its hosts, which no other host of the lab has.
	Hosts []string
	// Link is the site's line. If nil, the lab's.
	Link *Link
}

// Over returns the site with a line of its own.
func (s Site) Over(l Link) Site {
	s.Link = &l
	return s
}

// maxLines is how many lines the addresses are enough for.
const maxLines = 254

// families says how many of them a kind has routes to the internet in: IPv4 alone, or IPv6, too.
func families(k Kind) int {
	if k == Public || k == V6 || k == V6Firewall {
		return 2
	}
	return 1
}

// prefixes are the addresses of the line with a number, in IPv4 and IPv6.
func prefixes(line int) []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix(fmt.Sprintf("45.%d.0.0/16", line)),
		netip.MustParsePrefix(fmt.Sprintf("2a01:%x::/32", line)),
	}
}

// lan are the addresses inside a home. In IPv6 they are part of the line's.
func lan(line int) []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix(fmt.Sprintf("192.168.%d.0/24", line)),
		netip.MustParsePrefix(fmt.Sprintf("2a01:%x:1::/64", line)),
	}
}

// access are the addresses between a carrier and its subscribers' routers.
var access = netip.MustParsePrefix("100.64.0.0/16")

// nth is an address in a network: the first is the router's.
func nth(p netip.Prefix, n int) netip.Prefix {
	addr := p.Addr()
	for range n {
		addr = addr.Next()
	}
	return netip.PrefixFrom(addr, p.Bits())
}
