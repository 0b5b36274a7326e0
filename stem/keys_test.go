package stem

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/stemtest"
)

// A key travels with the call. If it is refused, the caller's own stem says what may be wrong with
// it; the other stem only says denied.
func TestCallWithKey(t *testing.T) {
	self := stemtest.NewIssuer(1)
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.rules.rules.Self = self.ID
		b.cells.do["retina"], b.cells.do["echo"] = echo, echo
		good := self.Key("0123456789abcdef", "retina", a.net.id, time.Now().Add(time.Hour))
		old := self.Key("0123456789abcdef", "retina", a.net.id, time.Now().Add(-time.Hour))
		for _, request := range []string{"cell://" + b.net.id.String() + "/retina?key=" + good,
			"retina@" + b.net.id.String() + " key=" + good} {
			_, stream := open(t, a.local(), request)
			if got := everything(t, stream, "hello"); got != "hello" {
				t.Errorf("%s answers %q", request, got)
			}
		}
		for _, test := range []struct{ cell, key, words string }{
			{"retina", old, "with this key, which expired on "},
			{"retina", good[1:], "with this key, which is damaged: copy all of it again"},
			{"echo", good, "does not let this one reach echo with this key"},
		} {
			_, _, err := ask(t, a.local(), "open cell://"+b.net.id.String()+"/"+test.cell+"?key="+test.key)
			if !errors.Is(err, wire.Denied) || !strings.Contains(err.Error(), test.words) ||
				strings.Contains(err.Error(), test.key) {
				t.Errorf("%s: %v, want %q", test.cell, err, test.words)
			}
		}
		if want := []string{"connect retina for " + a.net.id.String(),
			"connect retina for " + a.net.id.String()}; !slices.Equal(b.cells.asked, want) {
			t.Errorf("the cells were asked to %q", b.cells.asked)
		}
	})
}
