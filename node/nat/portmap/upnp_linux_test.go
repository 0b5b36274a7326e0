package portmap

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	igd "github.com/huin/goupnp/dcps/internetgateway2"
)

var argument = regexp.MustCompile(`<New(\w+)>([^<]*)<`)

// asked is the action of a request, and its arguments.
func asked(r *http.Request) (action string, arguments map[string]string) {
	_, action, _ = strings.Cut(strings.Trim(r.Header.Get("SOAPACTION"), `"`), "#")
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	arguments = map[string]string{}
	for _, match := range argument.FindAllStringSubmatch(string(body), -1) {
		arguments[match[1]] = match[2]
	}
	return action, arguments
}

// Every kind of service is understood, as is one that knows no leases, and one in which
// somebody else has the port.
func TestUPnP(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{igd.URN_WANIPConnection_1, igd.URN_WANIPConnection_2,
		igd.URN_WANPPPConnection_1} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			router := newAddress()
			var mu sync.Mutex
			opened := map[string]string{}
			url := listenHTTP(t, router, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					io.WriteString(w, description(kind, "/ctl"))
					return
				}
				mu.Lock()
				defer mu.Unlock()
				action, a := asked(r)
				key := a["Protocol"] + " " + a["ExternalPort"]
				switch {
				case action == "GetExternalIPAddress":
					says(w, kind, action, "<NewExternalIPAddress>45.1.0.1</NewExternalIPAddress>")
					return
				case action == "AddPortMapping" && a["ExternalPort"] == "4433":
					refuses(w, upnpTaken)
					return
				case action == "AddPortMapping" && a["LeaseDuration"] != "0":
					refuses(w, 725)
					return
				case action == "AddPortMapping":
					opened[key] = a["InternalClient"] + ":" + a["InternalPort"]
				case action == "DeletePortMapping" && opened[key] != "":
					delete(opened, key)
				default:
					refuses(w, 402)
					return
				}
				says(w, kind, action, "")
			})
			listenUDP(t, router, ssdpPort, func([]byte) [][]byte {
				return [][]byte{found(url + "/root.xml")}
			})
			o, err := find(t.Context(), router, loopback)
			check(t, err)
			if outside, anew, err := o.look(t.Context()); outside != wan1 || anew || err != nil {
				t.Errorf("outside is %v, %v, %v", outside, anew, err)
			}
			for _, protocol := range []string{udp, tcp} {
				port, err := o.open(t.Context(), protocol, 4433, 4433)
				check(t, err)
				mu.Lock()
				if to := opened[fmt.Sprint(strings.ToUpper(protocol), " ",
					port)]; to != "127.0.0.1:4433" || port == 4433 {
					t.Errorf("port %d leads to %q among %v", port, to, opened)
				}
				mu.Unlock()
				again, err := o.open(t.Context(), protocol, 4433, port)
				if err != nil || again != port {
					t.Errorf("renewed as %d, %v, want %d", again, err, port)
				}
				check(t, o.shut(t.Context(), protocol, 4433, port))
			}
			if mu.Lock(); len(opened) > 0 {
				t.Errorf("left open: %v", opened)
			}
			mu.Unlock()
		})
	}
}

// A router that sends us elsewhere, talks without end, or makes no sense is of no use,
// and that is all.
func TestBadUPnP(t *testing.T) {
	t.Parallel()
	kind := igd.URN_WANIPConnection_1
	endless := func(w http.ResponseWriter, line string, sent *atomic.Int64) {
		for {
			n, err := io.WriteString(w, line)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		// serve is what the router says; elsewhere is the URL of a bystander, whom nobody may ask.
		serve func(w http.ResponseWriter, r *http.Request, elsewhere string, sent *atomic.Int64)
		want  string
	}{
		"redirects": {func(w http.ResponseWriter, r *http.Request, elsewhere string, _ *atomic.Int64) {
			http.Redirect(w, r, elsewhere, http.StatusFound)
		}, "the router's description"},
		"serves elsewhere": {func(w http.ResponseWriter, _ *http.Request, elsewhere string, _ *atomic.Int64) {
			io.WriteString(w, description(kind, elsewhere))
		}, "instead of itself"},
		"is based elsewhere": {func(w http.ResponseWriter, _ *http.Request, elsewhere string, _ *atomic.Int64) {
			io.WriteString(w, strings.Replace(description(kind, "/ctl"), "<device>",
				"<URLBase>"+elsewhere+"</URLBase><device>", 1))
		}, "instead of itself"},
		"has a name": {func(w http.ResponseWriter, _ *http.Request, _ string, _ *atomic.Int64) {
			io.WriteString(w, description(kind, "http://localhost:1/ctl"))
		}, "instead of itself"},
		"describes without end": {func(w http.ResponseWriter, _ *http.Request, _ string, sent *atomic.Int64) {
			io.WriteString(w, "<root>")
			endless(w, "<device>", sent)
		}, "the router's description"},
		"answers without end": {func(w http.ResponseWriter, r *http.Request, _ string, sent *atomic.Int64) {
			if r.Method == http.MethodGet {
				io.WriteString(w, description(kind, "/ctl"))
				return
			}
			endless(w, "<s:Envelope>", sent)
		}, "decoding"},
		"has a long header": {func(w http.ResponseWriter, _ *http.Request, _ string, _ *atomic.Int64) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}, "header"},
		"is slow": {func(w http.ResponseWriter, r *http.Request, _ string, _ *atomic.Int64) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "the router's description"},
		"has many services": {func(w http.ResponseWriter, r *http.Request, _ string, sent *atomic.Int64) {
			if r.Method == http.MethodGet {
				io.WriteString(w, description(kind, make([]string, 1000)...))
				return
			}
			if sent.Add(1<<16) > maxServices<<16 {
				t.Error("more services were asked than there should be")
			}
			refuses(w, 501)
		}, "refuses (code 501)"},
		"opens nothing": {func(w http.ResponseWriter, _ *http.Request, _ string, _ *atomic.Int64) {
			io.WriteString(w, description("urn:schemas-upnp-org:service:Printer:1", "/ctl"))
		}, errNoService.Error()},
		"has no address": {func(w http.ResponseWriter, r *http.Request, _ string, _ *atomic.Int64) {
			if r.Method == http.MethodGet {
				io.WriteString(w, description(kind, "/ctl"))
				return
			}
			says(w, kind, "GetExternalIPAddress",
				"<NewExternalIPAddress>"+strings.Repeat("x", 9999)+"</NewExternalIPAddress>")
		}, errNoAddress.Error()},
		"fails": {func(w http.ResponseWriter, _ *http.Request, _ string, _ *atomic.Int64) {
			w.WriteHeader(http.StatusTeapot)
		}, "the router's description"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			router := newAddress()
			elsewhere := listenHTTP(t, newAddress(), func(http.ResponseWriter, *http.Request) {
				t.Error("a bystander was asked")
			})
			var sent atomic.Int64
			place, err := url.Parse(listenHTTP(t, router,
				func(w http.ResponseWriter, r *http.Request) {
					c.serve(w, r, elsewhere, &sent)
				}))
			check(t, err)
			within(t, 2*answerWait, func() {
				found, err := describe(t.Context(), newClient(router, loopback), place)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("found %+v, %v; want %q", found, err, c.want)
				}
			})
			if most := int64(16 << 20); sent.Load() > most { // the kernel's buffers, too
				t.Errorf("%d bytes were taken", sent.Load())
			}
		})
	}
}

// Only the router itself says where it is described, and only so often.
func TestSearch(t *testing.T) {
	t.Parallel()
	router, silent, stranger := newAddress(), newAddress(), newAddress()
	listenUDP(t, router, ssdpPort, func([]byte) (all [][]byte) {
		all = append(all, []byte("HTTP/1.1 200 OK\r\n\r\n"), []byte("noise"), nil,
			make([]byte, 1500), []byte("HTTP/1.1 500 x\r\nLOCATION: http://x/\r\n\r\n"))
		for i := range 100 {
			all = append(all, found(fmt.Sprintf("http://%v/%d", router, i)))
		}
		return append(all, found("http://[/"))
	})
	reply(t, newSocket(t, silent, ssdpPort), newSocket(t, stranger, ssdpPort),
		func([]byte) [][]byte {
			return [][]byte{found(fmt.Sprintf("http://%v/", stranger)),
				found(fmt.Sprintf("http://%v/", silent))}
		})
	visited := 0
	within(t, 5*time.Second, func() {
		err := search(t.Context(), router, loopback, func(*url.URL) error {
			visited++
			return errNoService
		})
		if err != errNoService || visited != maxDescriptions {
			t.Errorf("visited %d places: %v", visited, err)
		}
	})
	within(t, 5*time.Second, func() { // the router is silent, and somebody answers in its place
		err := search(t.Context(), silent, loopback, func(place *url.URL) error {
			t.Errorf("visited %v", place)
			return nil
		})
		if err != errNoUPnP {
			t.Errorf("nobody has answered, but: %v", err)
		}
	})
}
