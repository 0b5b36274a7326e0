package portmap

import (
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/huin/goupnp"
	igd "github.com/huin/goupnp/dcps/internetgateway2"
)

// What a router answers to SSDP gives a URL or nothing.
func FuzzSSDP(f *testing.F) {
	f.Add(found("http://192.168.1.1:5000/root.xml"))
	f.Add(found("root.xml"))
	f.Add(found("http://[/"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 500 x\r\nLOCATION: http://x/\r\n\r\n"))
	f.Add([]byte("NOTIFY * HTTP/1.1\r\nLOCATION: http://x/\r\n\r\n"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		place := location(packet)
		if place == nil {
			return
		}
		if _, err := url.Parse(place.String()); err != nil {
			t.Errorf("%q: %v", place, err)
		}
	})
}

// What a router answers to NAT-PMP is checked before any of it is used.
func FuzzNATPMP(f *testing.F) {
	look := []byte{0, pmpLook}
	open := []byte{0, pmpTCP, 0, 0, 0x11, 0x51, 0x11, 0x51, 0, 0, 0, 120}
	for _, request := range [][]byte{look, open} {
		good := answerPMP(request, 100, wan1, 4433, 120)
		refused := append([]byte{0, 128 + request[1], 0, 2}, good[4:]...)
		for _, answer := range [][]byte{good, good[:9], refused, request, {2}, nil} {
			f.Add(request[1], answer)
		}
	}
	f.Fuzz(func(t *testing.T, operation byte, answer []byte) {
		request, length := look, 12
		if operation != pmpLook {
			request, length = open, 16
		}
		if err := pmpCheck(request, answer, length); err != nil || length == 12 {
			return
		}
		port, err := mappedPort(answer, 4433)
		if (err == nil) != (port != 0) || err == nil &&
			binary.BigEndian.Uint16(answer[8:]) != 4433 {
			t.Errorf("%x opens port %d, %v", answer, port, err)
		}
	})
}

// Whatever a router describes, a bounded number of services is asked, each of a kind that
// opens ports.
func FuzzUPnP(f *testing.F) {
	for _, kind := range []string{igd.URN_WANIPConnection_1, igd.URN_WANIPConnection_2,
		igd.URN_WANPPPConnection_1, "urn:schemas-upnp-org:service:Printer:1"} {
		f.Add([]byte(description(kind, "/ctl", "http://192.168.1.1/ctl")))
	}
	many := description(igd.URN_WANIPConnection_1, make([]string, 9)...)
	f.Add([]byte(many))
	f.Add([]byte(strings.Replace(many, "<device>", "<URLBase>http://[/</URLBase><device>", 1)))
	f.Add([]byte("<root>"))
	f.Add([]byte(`<?xml version="1.0" encoding="latin-9"?><root/>`))
	place := &url.URL{Scheme: "http", Host: "192.168.1.1:5000", Path: "/root.xml"}
	f.Fuzz(func(t *testing.T, text []byte) {
		services, err := readDescription(strings.NewReader(string(text)), place,
			http.DefaultClient)
		if len(services) > maxServices || err != nil && len(services) > 0 {
			t.Errorf("%d services, %v", len(services), err)
		}
		for _, s := range services {
			if behind(s) == nil {
				t.Errorf("%T has no client", s)
			}
		}
	})
}

// behind returns the service behind one of the three kinds.
func behind(s wan) *goupnp.Service {
	switch s := s.(type) {
	case *igd.WANIPConnection1:
		return s.Service
	case *igd.WANIPConnection2:
		return s.Service
	case *igd.WANPPPConnection1:
		return s.Service
	}
	return nil
}
