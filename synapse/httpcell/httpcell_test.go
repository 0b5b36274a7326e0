package httpcell

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/synapse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	base58 = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	base32 = "bafzaajaiaejcal72gwuz2or47oyxxn6b3rkwdmmkrxgkjxzy3rqt5kczyn7lcm3l"
)

func TestAddress(t *testing.T) {
	for host, want := range map[string]string{
		"web":             "web",
		"WEB":             "web",
		"web.":            "web",
		"web.laptop":      "web@laptop",
		"Web.Laptop":      "web@laptop",
		"web." + base32:   "web@" + base58,
		"api.v1.laptop":   "api.v1@laptop",
		"api.v1.local":    "api.v1",
		"my_web.my-peer":  "my_web@my-peer",
		"web." + base58:   "",
		"":                "",
		"..":              "",
		"web.10.0.0.1":    "",
		".laptop":         "",
		"web.-":           "",
		"-web":            "",
		"web@laptop":      "",
		"cell://a/web":    "",
		"web.a::":         "",
		"web./ip4/x":      "",
		"web.lock.laptop": "",
		"web.12D3KooW":    "web@12d3koow", // too short for an ID, and so a petname
	} {
		got, err := Address(host)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", host, got, err, want)
		}
	}
}

// A client reuses its connection for the next request.
func TestKeepAlive(t *testing.T) {
	t.Setenv("CELL_HOME", hometest.Dir(t))
	var conns atomic.Int32
	serve(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }, &conns)
	client := newClient(t)
	for _, host := range []string{"web", "web", "web.local"} {
		response, err := client.Post("http://"+host+"/", "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if string(text) != "hello" || err != nil {
			t.Errorf("%s: %q, %v", host, text, err)
		}
	}
	if n := conns.Load(); n != 2 { // for the client, web.local is another host
		t.Errorf("three requests took %d connections, want 2", n)
	}
}

func TestContext(t *testing.T) {
	t.Setenv("CELL_HOME", hometest.Dir(t))
	serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		new(atomic.Int32))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", "http://web/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newClient(t).Do(request); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// The errors of an http.Client still match those of synapse.
func TestErrors(t *testing.T) {
	t.Setenv("CELL_HOME", hometest.Dir(t))
	client := newClient(t)
	if client.Transport.(*http.Transport).Proxy != nil {
		t.Error("the client would use a proxy, which cannot reach cells")
	}
	if _, err := client.Get("http://web.laptop/"); !errors.Is(err, synapse.ErrNoStem) ||
		!strings.Contains(err.Error(), "dial web@laptop: no stem") {
		t.Errorf("no stem: %v", err)
	}
	for url, want := range map[string]string{
		"https://web/":                  "write http",
		"http://web:8080/":              "but a cell has none",
		"http://web.127.0.0.1/":         "IP address",
		"http://web." + base58 + "/":    "CIDv1",
		"http://[::1]/":                 "cell name",
		"http://web.lock.laptop/":       "ends in .lock",
		"http://web.laptop%2fother/":    "invalid",
		"http://web.laptop:80/":         "no stem is running",
		"http://web.laptop%40attacker/": "invalid",
	} {
		if _, err := client.Get(url); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}

// A program that links synapse does not link net/http as well.
func TestSynapseDoesWithoutHTTP(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/cell-mesh/cell/synapse").Output()
	if err != nil || len(out) == 0 {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		if dep == "net/http" {
			t.Error("synapse imports net/http, which only httpcell may")
		}
	}
}

// serve runs the cell "web", and counts its connections.
func serve(t *testing.T, handle http.HandlerFunc, conns *atomic.Int32) {
	t.Helper()
	l, err := synapse.Listen("web")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handle, ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(l)
	}()
	t.Cleanup(func() { server.Close(); <-done })
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	cells := New()
	t.Cleanup(cells.CloseIdleConnections)
	return &http.Client{Transport: cells, Timeout: time.Minute}
}
