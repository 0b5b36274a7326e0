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

// target is a place in libp2p's types.
type target struct {
	place address.Place
	peer  peer.ID        // the peer that is said to be there; "" if none is named
	known []ma.Multiaddr // without the peer; they may contain DNS names
	name  string         // a DNS name to look up, with port
	port  uint16
	every bool // no port was named, so the DNS may have multiaddrs with others

	// what a flight found out; guarded by flights.mu
	addrs []ma.Multiaddr
	err   error
}

// newTarget parses a place. Its errors are meant to follow the place's name.
func newTarget(place address.Place) (*target, error) {
	t := &target{place: place}
	host, port, ok := place.Host()
	if !ok {
		return t, t.parseMultiaddr(place.String())
	}
	t.every = port == 0
	if t.port = port; t.every {
		t.port = DefaultPort
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		t.name = host
		return t, nil
	}
	t.known, err = maddrs.QUICAndTCP(ip, t.port)
	return t, err
}

func (t *target) parseMultiaddr(text string) error {
	whole, err := ma.NewMultiaddr(text)
	if err != nil {
		why := strings.TrimPrefix(err.Error(), fmt.Sprintf("failed to parse multiaddr %q: ", text))
		return fmt.Errorf("is not a valid multiaddr: %s", why)
	}
	addr, id := peer.SplitAddr(whole)
	if addr == nil {
		return errors.New("names a peer but not where it is")
	}
	t.peer, t.known = id, []ma.Multiaddr{addr}
	return nil
}
