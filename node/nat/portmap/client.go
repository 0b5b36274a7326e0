package portmap

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	// maxHeader and maxBody bound an answer: a router's description of itself has some 5 KiB.
	maxHeader = 16 << 10
	maxBody   = 256 << 10
	// answerWait bounds the time that one may take.
	answerWait = 3 * time.Second
)

// newClient is an HTTP client that speaks with the router and nobody else, whatever URLs
// it is given and wherever it is redirected to, and takes no more of an answer than it
// should have.
func newClient(router, source netip.Addr) *http.Client {
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, at string) (net.Conn, error) {
			if to, err := netip.ParseAddrPort(at); err != nil || to.Addr().Unmap() != router {
				return nil, fmt.Errorf("sends us to %s, and not to itself", at)
			}
			return dialer.DialContext(ctx, network, at)
		},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
	return &http.Client{
		Transport: bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
		Timeout: answerWait,
	}
}

// bounded ends every answer after maxBody.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = body{io.LimitReader(response.Body, maxBody), response.Body}
	}
	return response, err
}

type body struct {
	io.Reader
	io.Closer
}
