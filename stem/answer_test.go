package stem

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cell-mesh/cell/internal/wire"
)

// Each verb of the local door does one thing and reports its result.
func TestLocalVerbs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newMachine(t, testID(1))
		a.cells.do["retina"] = echo
		for _, test := range []struct{ request, answer string }{
			{"germinate retina", "ok\n"},
			{"germinate missing", "no not-found there is no dna at secret/missing\n"},
			{"germinate ../x", "no bad cell name \"../x\" does not begin with one of a-z, 0-9\n"},
			{"germinate retina key=value", "ok\n"},
			{"reread", "ok\n"},
			{"dance", "no bad unknown request \"dance\"\n"},
			{"", "no bad empty request\n"},
		} {
			if got := everything(t, a.local(), test.request+"\n"); got != test.answer {
				t.Errorf("%q is answered with %q, want %q", test.request, got, test.answer)
			}
		}
		want := "germinate retina for local, germinate missing for local, germinate retina for local"
		if got := strings.Join(a.cells.asked, ", "); got != want {
			t.Errorf("the cells were asked to %q", got)
		}
		if a.rules.rereads != 1 {
			t.Errorf("%d rereads", a.rules.rereads)
		}
	})
}

// Scripts read `cell status --json`: no list is null.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		var empty map[string]any
		_, text, _ := strings.Cut(everything(t, a.local(), "status\n"), "\n")
		if err := json.Unmarshal([]byte(text), &empty); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		for _, list := range []string{"cells", "peers", "public", "problems"} {
			if empty[list] == nil {
				t.Errorf("%s is null", list)
			}
		}

		a.cells.do["retina"], a.cells.do["echo"] = echo, echo
		a.grant(b, "echo")
		a.rules.rules.Petnames[petname("laptop")] = b.net.id
		a.rules.rules.Public[name("retina")] = true
		a.rules.rules.Problems = []error{errors.New("peers/x.toml:1: bad")}
		a.Describe = func() any { return "quiet" }
		_, stream, err := ask(t, a.local(), "status")
		if err != nil {
			t.Fatal(err)
		}
		var status Status
		all, _ := io.ReadAll(stream)
		if err := json.Unmarshal(all, &status); err != nil {
			t.Fatalf("%v in %q", err, all)
		}
		peer := PeerStatus{"laptop", b.net.id.String(), []string{"echo"}}
		switch {
		case status.ID != a.net.id.String(),
			strings.Join(status.Cells, " ") != "echo retina",
			len(status.Peers) != 1 || status.Peers[0].Petname != peer.Petname ||
				status.Peers[0].ID != peer.ID || status.Peers[0].Cells[0] != "echo",
			strings.Join(status.Public, " ") != "retina",
			strings.Join(status.Problems, " ") != "peers/x.toml:1: bad",
			status.Network != "quiet", status.PID == 0, status.Since.IsZero():
			t.Errorf("status is %s", all)
		}
	})
}

// A request line that is too long is refused, and the user is told the limit.
func TestLongLineAtTheLocalDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newMachine(t, testID(1))
		_, _, err := ask(t, a.local(), "open "+strings.Repeat("x", wire.MaxLine))
		if !errors.Is(err, wire.Bad) || !strings.Contains(err.Error(), "4096") {
			t.Errorf("refused with %v", err)
		}
	})
}
