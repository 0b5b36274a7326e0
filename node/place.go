package node

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/address"
)

// spot is a place in libp2p's terms.
type spot struct {
	place address.Place
	peer  peer.ID        // who is said to be there, if anybody
	known []ma.Multiaddr // without the peer; DNS names may be among them
	name  string         // a DNS name whose addresses are meant, with port
	port  uint16
	every bool // no port was named: the DNS may have better to say

	// what became of it on a flight; guarded by Node.mu
	addrs []ma.Multiaddr
	err   error
}

// newSpot reads a place. Its errors go behind the place's name.
func newSpot(place address.Place) (*spot, error) {
	s := &spot{place: place}
	host, port, ok := place.Host()
	if !ok {
		return s, s.readMultiaddr(place.String())
	}
	s.every = port == 0
	if s.port = port; s.every {
		s.port = DefaultPort
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		s.name = host
		return s, nil
	}
	s.known, err = bothTransports(ip, s.port)
	return s, err
}

func (s *spot) readMultiaddr(text string) error {
	whole, err := ma.NewMultiaddr(text)
	if err != nil {
		why := strings.TrimPrefix(err.Error(), fmt.Sprintf("failed to parse multiaddr %q: ", text))
		return fmt.Errorf("is no multiaddr: %s", why)
	}
	addr, id := peer.SplitAddr(whole)
	if addr == nil {
		return errors.New("names a peer, and not where it is")
	}
	s.peer, s.known = id, []ma.Multiaddr{addr}
	return nil
}

// bothTransports are the addresses at which a node that has the port can be reached.
func bothTransports(ip netip.Addr, port uint16) ([]ma.Multiaddr, error) {
	family := "ip6"
	if ip = ip.Unmap(); ip.Is4() {
		family = "ip4"
	}
	var addrs []ma.Multiaddr
	for _, format := range []string{"/%s/%s/udp/%d/quic-v1", "/%s/%s/tcp/%d"} {
		addr, err := ma.NewMultiaddr(fmt.Sprintf(format, family, ip.WithZone(""), port))
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}
