package node

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node/maddrs"
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
	s.known, err = maddrs.QUICAndTCP(ip, s.port)
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
