package links

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

func TestParseListen(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:5432":                 "127.0.0.1:5432",
		"5432":                           "127.0.0.1:5432",
		":5432":                          "127.0.0.1:5432",
		"localhost:5432":                 "127.0.0.1:5432",
		"0.0.0.0:80":                     "0.0.0.0:80",
		"[::1]:80":                       "[::1]:80",
		"[::ffff:127.0.0.1]:80":          "127.0.0.1:80",
		"127.0.0.1:0":                    "127.0.0.1:0",
		"/tmp/db.sock":                   "/tmp/db.sock",
		"/tmp//x/../db.sock":             "/tmp/db.sock",
		"unix:/tmp/db.sock":              "/tmp/db.sock",
		"run/db@laptop.sock":             "run/db@laptop.sock",
		"run/db@192.168.1.5:4433.sock":   "run/db@192.168.1.5:4433.sock",
		"run/db@LAPTOP.sock":             "run/db@laptop.sock",
		"run/db@host.example.sock.sock":  "run/db@host.example.sock.sock",
		"/home/me/run/db@laptop.sock":    "/home/me/run/db@laptop.sock",
		"run/a.b-c@[2001:db8::1]:1.sock": "run/a.b-c@[2001:db8::1]:1.sock",
	} {
		if got, err := ParseListen(text); got.String() != want || err != nil {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for text, words := range map[string]string{
		"":                             "neither a port",
		"db@laptop":                    "neither a port",
		"70000":                        "not from 1 to 65535",
		"-1":                           "neither a port",
		"127.0.0.1":                    "neither a port",
		"example.org:80":               "does not begin with an IP address",
		"[fe80::1%eth0]:80":            "does not begin with an IP address",
		"db.sock":                      "neither a port",
		"run/db.sock":                  "a cell of this machine",
		"run/db@local.sock":            "a cell of this machine",
		"run/db@laptop":                "run/NAME@PEER.sock",
		"run/../stem.sock":             "run/NAME@PEER.sock",
		"run/db@/ip4/1.1.1.1.sock":     "a multiaddr cannot be a file name",
		"/tmp/two words":               "has a space",
		"/tmp/" + "\x00":               "control character",
		"/" + strings.Repeat("x", 200): "has 201 bytes, the limit for a socket is ",
	} {
		if got, err := ParseListen(text); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %q, %v, want an error that says %q", text, got, err, words)
		}
	}
}

// A link may be named by its full path.
func TestOf(t *testing.T) {
	h := hometest.New(t)
	link := listenOf(t, "run/db@laptop.sock")
	network, path, err := link.In(h)
	if want := filepath.Join(h.RunDir(), "db@laptop.sock"); network != "unix" || path != want ||
		err != nil {
		t.Errorf("it listens at %s %s, %v, want %s", network, path, err, want)
	}
	for _, text := range []string{path, "unix:" + path, "run/db@laptop.sock"} {
		if got, err := Of(h, text); got != link || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

// Only the IP address decides whether other machines can connect.
func TestExposed(t *testing.T) {
	for text, want := range map[string]bool{"127.0.0.1:1": false, "127.9.9.9:1": false,
		"[::1]:1": false, "0.0.0.0:1": true, "[::]:1": true,
		"192.168.1.5:1": true, "[::ffff:10.0.0.1]:1": true, "/tmp/x": false, "run/db@laptop.sock": false} {
		if got := listenOf(t, text).Exposed(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// What parses prints back to the same, is one word, and fits in a socket address.
func FuzzParseListen(f *testing.F) {
	for _, text := range []string{"5432", "0.0.0.0:80", "[::1]:80", "/tmp/db.sock", "unix:/x",
		"run/db@laptop.sock", "run/db@[::1]:5.sock", "run/..@a.sock", "run/a@12D3KooWJ2DfbBPXu9poRZoEi8gjspd8zwHmNi5HroxfeaiuCadb.sock"} {
		f.Add(text)
	}
	h, err := home.At("/h")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := ParseListen(text)
		if err != nil {
			return
		}
		again, err := ParseListen(at.String())
		if err != nil || again != at {
			t.Errorf("%q is %q, and then %q, %v", text, at, again, err)
		}
		if strings.ContainsAny(at.String(), " \n\t") {
			t.Errorf("%q is %q", text, at)
		}
		network, path, err := at.In(h)
		if err == nil && network == "unix" && len(path) > home.MaxSocketPath {
			t.Errorf("%q is at %q", text, path)
		}
		if at.IsLink() && err == nil && filepath.Dir(path) != h.RunDir() {
			t.Errorf("the link %q is at %q", text, path)
		}
	})
}
