package links

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// Changes of the file are served: new lines, changed lines, no lines. Links that were added
// otherwise stay.
func TestFileIsServed(t *testing.T) {
	h := hometest.New(t)
	one, two := freePort(t), freePort(t)
	writeLinks(t, h, one+" = \"db@laptop\"\n")
	l, _ := run(t, h, answers)
	l.Reread(t.Context())
	wantAnswer(t, h, listenOf(t, one), "db@laptop") // at once
	other := add(t, l, Free, "web@laptop")

	writeLinks(t, h, one+" = \"web@laptop\"\n"+two+" = \"db@laptop\"\nnowhere = \"\"\n")
	eventually(t, "the file is read", func() bool { return len(l.List()) == 3 })
	wantAnswer(t, h, listenOf(t, one), "web@laptop")
	wantAnswer(t, h, listenOf(t, two), "db@laptop")
	if problems := l.Problems(); len(problems) != 1 ||
		!strings.Contains(problems[0].Error(), "links.toml:3: ") {
		t.Errorf("problems are %v", problems)
	}

	writeLinks(t, h, "this is not TOML\n")
	eventually(t, "the file is read", func() bool {
		return strings.Contains(l.Problems()[0].Error(), "links.toml:1: ")
	})
	wantAnswer(t, h, listenOf(t, two), "db@laptop") // as before

	if err := os.Remove(h.Links()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nothing is kept", func() bool {
		return len(l.List()) == 1 && len(l.Problems()) == 0
	})
	wantAnswer(t, h, other, "web@laptop")
}

// A link that was added and then kept ends with its line.
func TestKeptLater(t *testing.T) {
	h := hometest.New(t)
	l, _ := run(t, h, answers)
	at := add(t, l, Free, "db@laptop")
	if err := Keep(t.Context(), h, at, addressOf(t, "db@laptop")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is kept", func() bool { return l.List()[0].Kept })
	if _, err := Drop(t.Context(), h, at); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool { return len(l.List()) == 0 })
}

// A kept port that is taken is a problem. It is served once it is free.
func TestTakenPortIsTriedAgain(t *testing.T) {
	h := hometest.New(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := listenOf(t, taken.Addr().String())
	if err := Keep(t.Context(), h, at, addressOf(t, "db@laptop")); err != nil {
		t.Fatal(err)
	}
	l, _ := run(t, h, answers)
	eventually(t, "it is a problem", func() bool {
		problems := l.Problems()
		return len(problems) == 1 && strings.Contains(problems[0].Error(),
			"links.toml:1: another process listens at "+at.String())
	})
	taken.Close()
	eventually(t, "it is served", func() bool {
		return len(l.List()) == 1 && len(l.Problems()) == 0
	})
	wantAnswer(t, h, at, "db@laptop")
}

// When a line gets another address, calls to the old one are cut.
func TestRetargetCutsCalls(t *testing.T) {
	h := hometest.New(t)
	port := freePort(t)
	writeLinks(t, h, port+" = \"db@laptop\"\n")
	l, _ := run(t, h, holds)
	l.Reread(t.Context())
	conn := dial(t, h, listenOf(t, port))
	wantGreeting(t, conn)
	writeLinks(t, h, port+" = \"web@laptop\"\n")
	if _, err := io.ReadAll(conn); err == nil {
		t.Error("the call came to an orderly end")
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
