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
	// ssdpWait is how long answers are waited for before it is asked again, ssdpTries times in all.
	ssdpWait  = time.Second
	ssdpTries = 3
	// maxPlaces bounds how many descriptions of a router are read.
	maxPlaces = 4
)

var (
	multicast = netip.AddrFrom4([4]byte{239, 255, 255, 250})
	gateways  = []string{"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
		"urn:schemas-upnp-org:device:InternetGatewayDevice:2"}

	errNoUPnP = errors.New("no answer")
)

// search asks the local network, and the router itself, who is one, and tells visit of
// each place where the router says that it is described, until visit is content or
// nothing more is to be expected: then it returns the last error. Answers of anyone else
// are not heard.
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
			if place == nil || slices.Contains(places, place.String()) || len(places) == maxPlaces {
				continue
			}
			places = append(places, place.String())
			if err = visit(place); err == nil {
				return nil
			}
		}
		if len(places) > 0 {
			return err // of a router that has been heard
		}
	}
	return err
}

// question is what SSDP asks of a kind of device. Its lines are in no particular order,
// but some routers read no small letters.
func question(what string) []byte {
	return fmt.Appendf(nil, "M-SEARCH * HTTP/1.1\r\nHOST: %s:%d\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: %s\r\n\r\n", multicast, ssdpPort, what)
}

// listen reads one answer, and returns the place that it names if it is of use.
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
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(packet[:n])), nil)
	if err != nil {
		return nil, true
	}
	answer.Body.Close()
	place, err = answer.Location()
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil, true
	}
	return place, true
}
