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
	// maxHeader and maxBody bound an answer. A router's description has some 5 KiB.
	maxHeader = 16 << 10
	maxBody   = 256 << 10
	// answerWait bounds the time of an answer.
	answerWait = 3 * time.Second
)

// newClient returns an HTTP client that only speaks to the router, whatever URLs it is
// given, follows no redirects, and reads a bounded answer.
func newClient(router, source netip.Addr) *http.Client {
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, at string) (net.Conn, error) {
			if to, err := netip.ParseAddrPort(at); err != nil || to.Addr().Unmap() != router {
				return nil, fmt.Errorf("the router names %s instead of itself", at)
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

// bounded truncates answers after maxBody.
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
