package proofs

import (
	"bufio"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// Python's own web server is a cell by "cell expose"; curl fetches from it through a
// link, and through a forwarded port.
func TestHTTPServer(t *testing.T) {
	t.Parallel()
	curl := need(t, "curl", "curl")
	near, far := pair(t)
	page := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{1}).Read(page)
	hometest.Write(t, filepath.Join(far.Home, "www", "page"), string(page))
	says := bufio.NewReader(daemon(t, far.Home, python(t), "-u", "-m", "http.server", "0", "--bind",
		"127.0.0.1", "--directory", "www"))
	line, err := says.ReadString('\n')
	check(t, err)
	port := regexp.MustCompile(`port (\d+)`).FindStringSubmatch(line)
	if port == nil {
		t.Fatalf("the server says %q", line)
	}
	far.cell(t, "expose", "web", "127.0.0.1:"+port[1])
	far.allow(t, "web")

	link := near.cell(t, "link", "web@far")
	for range 3 {
		if got := near.run(t, "", curl, "-sSf", "--unix-socket", link,
			"http://web/page"); got != string(page) {
			t.Fatalf("through the link come %d bytes of %d", len(got), len(page))
		}
	}
	at := near.cell(t, "forward", "web@far")
	if got := near.run(t, "", curl, "-sSf", "--noproxy", "*",
		"http://"+at+"/page"); got != string(page) {
		t.Errorf("through the port come %d bytes of %d", len(got), len(page))
	}
	if _, err := near.try(t, "", curl, "-sSf", "--unix-socket", link,
		"http://web/missing"); err == nil {
		t.Error("a page that is not there was fetched")
	}
	check(t, os.Remove(filepath.Join(far.Home, "www", "page")))
	if _, err := near.try(t, "", curl, "-sSf", "--unix-socket", link,
		"http://web/page"); err == nil {
		t.Error("a page that is gone was fetched: this was no server")
	}
}
