// Package httpcell lets an http.Client call cells that serve HTTP, on this machine or on
// others:
//
//	client := &http.Client{Transport: httpcell.New()}
//	client.Get("http://web.laptop/index.html") // the cell "web" at the peer "laptop"
//	client.Get("http://web/index.html")        // the cell "web" on this machine
//
// Such a cell calls http.Serve with the listener that synapse.Listen returns. Calls between
// machines are already encrypted and authenticated. So the URL's scheme is http, and https
// is refused.
//
// # Host names
//
// The host is the name of the cell, followed by a dot and the peer if the cell is on another
// machine. It is split at the last dot:
//
//	http://web/             web              on this machine
//	http://web.laptop/      web@laptop       a petname
//	http://web.bafzaaj…/    web@12D3KooW…    a peer ID as a CIDv1 in base32 or base36
//	http://api.v1.laptop/   api.v1@laptop
//	http://api.v1.local/    api.v1           "local" is this machine, for names with a dot
//
// Host names are not case-sensitive: browsers and proxies convert them to lower case, and so
// does this package. A peer ID in base58 (12D3KooW…) would be damaged by that, so it is
// refused; use the CIDv1 or a petname. IP addresses, DNS names, multiaddrs, keys and ports
// cannot be written as a host either; use a petname.
package httpcell

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/synapse"
)

// New returns a transport that calls cells. It can be tuned like any other http.Transport.
// It keeps connections for later requests, so create one and reuse it, and release its
// connections with CloseIdleConnections. A request's context applies to the call, and errors
// match those of synapse.Dial with errors.Is.
func New() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // the stem is the way to a cell
	t.DialContext = dial
	t.DialTLSContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("cells don't use https, since calls are already encrypted: write " +
			"http")
	}
	return t
}

// dial connects to HOST:PORT, which the transport makes from a URL.
func dial(ctx context.Context, _, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	if port != "80" {
		return nil, fmt.Errorf("host %s has a port, but a cell has none", hostport)
	}
	to, err := Address(host)
	if err != nil {
		return nil, err
	}
	conn, err := synapse.Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Address converts the host of a URL to the address of a cell; see the package comment.
func Address(host string) (string, error) {
	name, peer := strings.TrimSuffix(host, "."), ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name, peer = name[:i], name[i+1:]
	}
	if _, err := address.ParseID(peer); err == nil && peer != strings.ToLower(peer) {
		return "", fmt.Errorf("host %q is case-sensitive, which a host can't be: "+
			"give the peer a petname with \"cell rename\", or write its ID as a CIDv1, in "+
			"base32 or base36",
			host)
	}
	if peer != "" && strings.Trim(peer, "0123456789") == "" {
		return "", fmt.Errorf("host %q looks like an IP address, which can't be the host of a "+
			"cell: "+
			"give the peer a petname", host)
	}
	text := strings.ToLower(name)
	if _, err := address.ParseName(text); err != nil { // Parse would accept web@laptop
		return "", fmt.Errorf("host %q: %w", host, err)
	}
	if peer != "" {
		text += "@" + strings.ToLower(peer)
	}
	to, err := address.Parse(text)
	if err != nil {
		return "", fmt.Errorf("host %q: %w", host, err)
	}
	if _, ok := to.Peer.Place(); ok { // an IPv6 address has no dot to split at
		return "", fmt.Errorf("host %q contains an IP address: give the peer a petname", host)
	}
	return to.String(), nil
}
