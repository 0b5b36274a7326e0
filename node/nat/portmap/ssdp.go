package portmap

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

const (
	ssdpPort = 1900
	// ssdpWait is how long to wait for answers before asking again, ssdpTries times in all.
	ssdpWait  = time.Second
	ssdpTries = 3
	// maxDescriptions bounds how many descriptions of a router are read.
	maxDescriptions = 4
)

var (
	multicast = netip.AddrFrom4([4]byte{239, 255, 255, 250})
	gateways  = []string{"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
		"urn:schemas-upnp-org:device:InternetGatewayDevice:2"}

	errNoUPnP = errors.New("no answer")
)

// search asks the local network, and the router itself, for routers. It calls visit with
// each URL at which the router says that its description is, until visit returns nil or no
// more answers are expected; then it returns the last error. It ignores the answers of
// anyone but the router.
func search(ctx context.Context, router, source netip.Addr, visit func(*url.URL) error) error {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0)))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	err = errNoUPnP
	var places []string
	for range ssdpTries {
		for _, to := range []netip.Addr{multicast, router} {
			for _, what := range gateways {
				conn.WriteToUDPAddrPort(question(what), netip.AddrPortFrom(to, ssdpPort))
			}
		}
		for until := time.Now().Add(ssdpWait); ; {
			place, heard := listen(conn, router, until)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !heard {
				break
			}
			if place == nil || slices.Contains(places, place.String()) ||
				len(places) == maxDescriptions {
				continue
			}
			places = append(places, place.String())
			if err = visit(place); err == nil {
				return nil
			}
		}
		if len(places) > 0 { // the router has answered
			return err
		}
	}
	return err
}

// question returns the SSDP request for a kind of device. The order of its lines does not
// matter, but some routers do not understand lower case.
func question(what string) []byte {
	return fmt.Appendf(nil, "M-SEARCH * HTTP/1.1\r\nHOST: %s:%d\r\n"+
		"MAN: \"ssdp:discover\"\r\nMX: 1\r\nST: %s\r\n\r\n", multicast, ssdpPort, what)
}

// listen reads one answer and returns the URL in it, or nil if it is of no use.
func listen(conn *net.UDPConn, router netip.Addr, until time.Time) (place *url.URL, heard bool) {
	conn.SetReadDeadline(until)
	packet := make([]byte, 2048)
	n, from, err := conn.ReadFromUDPAddrPort(packet)
	if err != nil {
		return nil, false
	}
	if from.Addr().Unmap() != router {
		return nil, true
	}
	return location(packet[:n]), true
}

// location returns the URL of the description in an SSDP answer, or nil.
func location(packet []byte) *url.URL {
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(packet)), nil)
	if err != nil {
		return nil
	}
	answer.Body.Close()
	place, err := answer.Location()
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil
	}
	return place
}
