package portmap

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// loopback is our address in these tests. All of 127.0.0.0/8 is this machine, so that a
// router can have an address of its own.
var loopback = netip.MustParseAddr("127.0.0.1")

var routers atomic.Uint32

// newAddress is one that no other test has at this time.
func newAddress() netip.Addr {
	pid, n := os.Getpid(), routers.Add(1)
	return netip.AddrFrom4([4]byte{127, byte(1 + pid%200), byte(pid / 200), byte(1 + n)})
}

// listenUDP has a router answer packets, each with none or several, until the test ends.
func listenUDP(t *testing.T, at netip.Addr, port uint16, answers func(question []byte) [][]byte) {
	t.Helper()
	socket := newSocket(t, at, port)
	reply(t, socket, socket, answers)
}

func newSocket(t *testing.T, at netip.Addr, port uint16) *net.UDPConn {
	t.Helper()
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, port)))
	check(t, err)
	t.Cleanup(func() { socket.Close() })
	return socket
}

// reply answers what one socket hears from another one, or the same.
func reply(t *testing.T, ear, mouth *net.UDPConn, answers func(question []byte) [][]byte) {
	var group sync.WaitGroup
	t.Cleanup(func() {
		ear.Close()
		group.Wait()
	})
	group.Go(func() {
		for buffer := make([]byte, 2048); ; {
			n, from, err := ear.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			for _, answer := range answers(buffer[:n]) {
				mouth.WriteToUDPAddrPort(answer, from)
			}
		}
	})
}

// listenHTTP has a router serve, and returns the URL.
func listenHTTP(t *testing.T, at netip.Addr, handler http.HandlerFunc) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp4", netip.AddrPortFrom(at, 0).String())
	check(t, err)
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// found is the answer to a search.
func found(location string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nST: %s\r\nLOCATION: %s\r\n\r\n", gateways[0],
		location)
}

// description is that of a router with services of a kind.
func description(kind string, controls ...string) string {
	var services strings.Builder
	for _, control := range controls {
		fmt.Fprintf(&services, "<service><serviceType>%s</serviceType><controlURL>%s</controlURL></service>", kind, control)
	}
	return fmt.Sprintf(`<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><serviceList>%s</serviceList></device></root>`, &services)
}

// says writes what a service answers to an action.
func says(w io.Writer, kind, action, arguments string) {
	fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:%sResponse xmlns:u="%s">%s</u:%sResponse></s:Body></s:Envelope>`,
		action, kind, arguments, action)
}

// refuses writes a refusal.
func refuses(w http.ResponseWriter, code int) {
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>%d</errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>`, code)
}

// within fails the test if something takes longer than it may.
func within(t *testing.T, most time.Duration, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > most {
		t.Errorf("it took %v, want %v at most", took, most)
	}
}
