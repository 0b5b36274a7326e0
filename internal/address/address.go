// Package address turns what people write into what the rest of cell works with: once, at the edge.
//
//	retina                        on this machine           cell://local/retina
//	retina@12D3KooW…              at a peer, by its ID      cell://12D3KooW…/retina
//	retina@laptop                 by your name for it       cell://laptop/retina
//	retina@192.168.1.5:4433       by where it is            cell://192.168.1.5:4433/retina
//
// Everything here is checked text: decoding an ID into a key is left to the packages that need one.
// What parses prints back to the same meaning.
package address

import (
	"fmt"
	"net/url"
	"strings"
)

// Address names a cell on a machine. It is a net.Addr.
type Address struct {
	Cell Name
	// Peer is the machine. If zero, this one.
	Peer Peer
	// Key is a capability that was given along with the address. If empty, there is none.
	Key string
}

const (
	scheme = "cell://"
	// maxKey and maxAddress leave room for the rest of a request line.
	maxKey     = 2048
	maxAddress = 3584
)

// Parse reads an address in either of its forms, NAME[@PEER] or cell://PEER/NAME[?key=KEY].
// The error names what is wrong in one line.
func Parse(text string) (Address, error) {
	var a Address
	var err error
	switch {
	case len(text) > maxAddress:
		err = fmt.Errorf("has %d bytes, the limit is %d", len(text), maxAddress)
	case strings.HasPrefix(text, scheme):
		a, err = parseURL(text[len(scheme):])
	default:
		a, err = parsePlain(text)
	}
	if n := len(a.URL()); err == nil && n > maxAddress {
		err = fmt.Errorf("has %d bytes when it is printed as a URL, the limit is %d", n, maxAddress)
	}
	if err != nil {
		return Address{}, fmt.Errorf("address %q: %w", clip(text), err)
	}
	return a, nil
}

func parsePlain(text string) (Address, error) {
	name, peer, hasPeer := strings.Cut(text, "@")
	cell, err := ParseName(name)
	if err != nil || !hasPeer {
		return Address{Cell: cell}, err
	}
	p, err := ParsePeer(peer)
	return Address{Cell: cell, Peer: p}, err
}

func parseURL(rest string) (Address, error) {
	rest, query, hasQuery := strings.Cut(rest, "?")
	host, name, _ := strings.Cut(rest, "/")
	host, err := url.PathUnescape(host) // a multiaddr's slashes are escaped
	if err != nil {
		return Address{}, err
	}
	peer, err := ParsePeer(host)
	if err != nil {
		return Address{}, err
	}
	cell, err := ParseName(name)
	if err != nil {
		return Address{}, err
	}
	key := ""
	if hasQuery {
		if key, err = parseKey(query); err != nil {
			return Address{}, err
		}
	}
	return Address{Cell: cell, Peer: peer, Key: key}, nil
}

func parseKey(query string) (string, error) {
	key, ok := strings.CutPrefix(query, "key=")
	switch {
	case !ok || key == "":
		return "", fmt.Errorf("only ?key=… may stand behind the name")
	case len(key) > maxKey:
		return "", fmt.Errorf("key has %d bytes, the limit is %d", len(key), maxKey)
	}
	for i := range len(key) {
		c := key[i]
		if !isWord(c) && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' {
			return "", fmt.Errorf("key contains %q: it is not a key", key[i:i+1])
		}
	}
	return key, nil
}

// Network returns "cell".
func (a Address) Network() string { return "cell" }

// String prints NAME or NAME@PEER; an address with a key prints in its URL form.
func (a Address) String() string {
	switch {
	case a.Key != "":
		return a.URL()
	case a.Peer.IsLocal():
		return a.Cell.text
	default:
		return a.Cell.text + "@" + a.Peer.String()
	}
}

// URL prints cell://PEER/NAME, with ?key=KEY if there is one.
func (a Address) URL() string {
	host := a.Peer.String()
	if a.Peer.place.IsMultiaddr() {
		host = url.PathEscape(host)
	}
	text := scheme + host + "/" + a.Cell.text
	if a.Key != "" {
		text += "?key=" + a.Key
	}
	return text
}
