package stem

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/wire"
)

// A stranger cannot find out which cells exist: all refusals are the same bytes, and no cell is
// asked.
func TestStrangersLearnNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b := twins(t)
		b.cells.do["retina"] = echo
		b.cells.err["broken"] = errors.New("its lens is cracked")
		for _, request := range []string{"open retina\n", "open retina\nearly bytes",
			"open retina key=value\n", "open missing\n", "open broken\n", "open stem.join\n"} {
			if got := everything(t, b.remote(testID(9)), request); got != "no denied\n" {
				t.Errorf("%q is answered with %q", request, got)
			}
		}
		if len(b.cells.asked) > 0 {
			t.Errorf("the cells were asked to %q", b.cells.asked)
		}
	})
}

// The remote door knows only `open NAME`, also for trusted peers. It does not relay.
func TestRemoteDoorOnlyOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		a.cells.do["retina"], b.cells.do["retina"] = echo, echo
		b.grant(a, "*")
		a.grant(b, "*")
		b.rules.rules.Petnames[petname("laptop")] = a.net.id
		for _, request := range []string{
			"germinate retina\n", "status\n", "end 1\n", "reread\n", "ping laptop\n", "find laptop\n",
			"open retina@" + a.net.id.String() +
				"\n", "open retina@laptop\n", "open retina@192.168.1.5\n",
			"open retina@" + b.net.id.String() + "\n", "open cell://laptop/retina\n",
			"open\n", "open ../retina\n", "open retina more words\n", "OPEN retina\n", "\n", "\x00\xff\n", "GET / HTTP/1.1\r\n",
			"open retina", "", strings.Repeat("x", 5000), "open " + strings.Repeat("x", 5000) +
				"\n",
		} {
			if got := everything(t, b.remote(a.net.id), request); got != "no bad\n" {
				t.Errorf("%.30q is answered with %q", request, got)
			}
		}
		if len(b.cells.asked)+len(a.cells.asked)+b.rules.rereads+b.net.opens > 0 {
			t.Errorf("something happened: cells %q and %q, %d rereads, %d streams opened",
				b.cells.asked, a.cells.asked, b.rules.rereads, b.net.opens)
		}
	})
}

// Peers get the code alone: reasons contain paths of this machine.
func TestPeersAreToldTheCodeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.grant(a, "*")
		b.cells.err["plain"] = errors.New("open secret/path: permission denied")
		for _, code := range allCodes {
			b.cells.err[string(code)] = wire.Refusal{Code: code, Reason: "because of secret/path"}
			want := "no " + string(code) + "\n"
			if got := everything(t, b.remote(a.net.id), "open "+string(code)+"\n"); got != want {
				t.Errorf("%s is answered with %q", code, got)
			}
		}
		if got := everything(t, b.remote(a.net.id), "open plain\n"); got != "no failed\n" {
			t.Errorf("a plain error is answered with %q", got)
		}
	})
}

// A stream without a whole request is closed after a timeout, since it holds memory.
func TestSilentPeerIsLetGo(t *testing.T) {
	for _, words := range []string{"", "open ret"} {
		synctest.Test(t, func(t *testing.T) {
			a, b := twins(t)
			since := time.Now()
			stream := b.remote(a.net.id)
			io.WriteString(stream, words)
			got, err := io.ReadAll(stream)
			if string(got) != "no bad\n" || err != nil {
				t.Errorf("after %q: %q, %v", words, got, err)
			}
			if took := time.Since(since); took != lineTimeout {
				t.Errorf("after %q it took %v", words, took)
			}
		})
	}
}

// A remote caller without an ID is refused. The zero Caller is this machine's user.
func TestNobodyIsNotTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newMachine(t, testID(2))
		b.cells.do["retina"] = echo
		if _, err := io.ReadAll(b.remote(address.ID{})); err == nil {
			t.Error("a caller without an ID was served")
		}
	})
}
