// Package httpcell lets http.Client call cells that speak HTTP, here and on other machines:
//
//	client := &http.Client{Transport: httpcell.New()}
//	client.Get("http://web.laptop/index.html")     the cell "web" at the peer "laptop"
//	client.Get("http://web/index.html")            the cell "web" of this machine
//
// A cell that speaks HTTP is http.Serve on what synapse.Listen returns. On the way
// between machines everything is encrypted and both ends are proved already: the URL's
// scheme is http, and https is refused.
//
// # Host and address
//
// The host is the cell's name, then a dot and the peer if it is on another machine. It is
// cut at the last dot; without a dot, the cell is on this machine:
//
//	http://web/                  web
//	http://web.laptop/           web@laptop                   a petname
//	http://web.bafzaaj…/         web@12D3KooW…                a peer ID as a CIDv1, in base32 or base36
//	http://api.v1.laptop/        api.v1@laptop
//	http://api.v1.local/         api.v1                       "local" is this machine: for names with a dot in them
//
// Host names know no upper case: what stands between http:// and the path is lowered by
// browsers and proxies, and here. Base58 (12D3KooW…) would not survive that, so it is
// refused: write the CIDv1, or give the peer a petname. IP addresses, DNS names,
// multiaddrs, keys and ports have no form as a host; there, too, a petname helps.
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

// New returns an http.RoundTripper that calls cells. It is an *http.Transport, to be
// tuned like any other: connections are kept for the next request, a request's context
// covers its call, and an error answers to errors.Is as that of synapse.Dial does. Make
// one and keep it, and close what it holds with CloseIdleConnections.
func New() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // a cell is reached by its stem
	t.DialContext = dial
	t.DialTLSContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("https is not spoken to cells, whose calls are encrypted already: write http")
	}
	return t
}

// dial connects to what an http.Transport makes of a URL's host, HOST:PORT.
func dial(ctx context.Context, _, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	if port != "80" {
		return nil, fmt.Errorf("host %s has a port, and a cell has none", hostport)
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

// Address returns the address of the cell that a URL's host stands for, as the package's
// comment tells.
func Address(host string) (string, error) {
	name, peer := strings.TrimSuffix(host, "."), ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name, peer = name[:i], name[i+1:]
	}
	if _, err := address.ParseID(peer); err == nil && peer != strings.ToLower(peer) {
		return "", fmt.Errorf("host %q tells upper case from lower, which hosts can't: give the peer a petname with \"cell rename\", or write its ID as a CIDv1, in base32 or base36", host)
	}
	if peer != "" && strings.Trim(peer, "0123456789") == "" {
		return "", fmt.Errorf("host %q ends like an IP address, which has no form as a cell's host: give the peer a petname", host)
	}
	text := strings.ToLower(name)
	if peer != "" {
		text += "@" + strings.ToLower(peer)
	}
	to, err := address.Parse(text)
	if err != nil {
		return "", fmt.Errorf("host %q: %w", host, err)
	}
	return to.String(), nil
}
