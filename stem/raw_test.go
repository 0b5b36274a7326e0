package stem

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// raw is a stream that a plain libp2p program has opened to a cell.
func (m *machine) raw(caller address.ID, cell string) pipe.Stream {
	near, door := pipetest.New()
	go m.serveRaw(m.ctx, caller, cell, door)
	return near
}

// wantReset checks that the stream is reset without a byte.
func wantReset(t *testing.T, what string, s pipe.Stream) {
	t.Helper()
	if got, err := io.ReadAll(s); len(got) > 0 || !errors.Is(err, pipetest.ErrReset) {
		t.Errorf("%s: %q, %v, want a reset and nothing else", what, got, err)
	}
	s.Close()
}

// A plain program exchanges bytes with the cell and nothing else. Each direction ends by itself.
func TestRawCarriesBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.grant(a, "*")
		heard := make(chan string, 1)
		b.cells.do["echo"] = echo
		b.cells.do["count"] = func(s pipe.Stream) { // speaks after its caller has ended
			all, _ := io.ReadAll(s)
			io.WriteString(s, strings.Repeat("x", len(all)))
			s.Close()
		}
		b.cells.do["lecture"] = func(s pipe.Stream) { // ends before its caller speaks
			io.WriteString(s, "that is all")
			s.CloseWrite()
			all, _ := io.ReadAll(s)
			heard <- string(all)
			s.Close()
		}
		for _, said := range []string{"", "open echo\n", strings.Repeat("light", 50_000)} {
			stream := b.raw(a.net.id, "echo")
			go func() {
				io.WriteString(stream, said)
				stream.CloseWrite()
			}()
			if got, err := io.ReadAll(stream); string(got) != said || err != nil {
				t.Errorf("of %d bytes, %d come back, %v", len(said), len(got), err)
			}
			stream.Close()
		}
		if got := everything(t, b.raw(a.net.id, "count"), "12345"); got != "xxxxx" {
			t.Errorf("count says %q", got)
		}
		stream := b.raw(a.net.id, "lecture")
		if got, err := io.ReadAll(stream); string(got) != "that is all" || err != nil {
			t.Errorf("the lecture is %q, %v", got, err)
		}
		io.WriteString(stream, "a question")
		stream.Close()
		if got := <-heard; got != "a question" {
			t.Errorf("the lecturer heard %q", got)
		}
	})
}

// A cell that breaks off is not an orderly end for a plain program either.
func TestRawCutIsAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.grant(a, "torn")
		b.cells.do["torn"] = func(s pipe.Stream) { s.Abort(errors.New("torn")) }
		wantReset(t, "a cell that breaks off", b.raw(a.net.id, "torn"))
		wantReset(t, "a caller without an ID", b.raw(address.ID{}, "torn"))
	})
}

// This door does not tell strangers which cells exist either: they get a reset, no cell is asked,
// and the owner sees the denial.
func TestRawIsBehindTheSameGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.cells.do["retina"] = echo
		b.cells.err["broken"] = errors.New("its lens is cracked")
		b.grant(a, "*", "stem.list", "stem.join")
		for _, cell := range []string{"retina", "missing", "broken"} {
			wantReset(t, "a stranger at "+cell, b.raw(testID(9), cell))
		}
		for _, cell := range []string{"stem.join", "stem.list", "stem.x", "", "..", "../retina",
			"Retina", "retina\n", "retina@" + a.net.id.String(),
			"retina key=x", "cell://local/retina", strings.Repeat("x", 64), "\x00"} {
			wantReset(t, "a friend at "+cell, b.raw(a.net.id, cell))
			wantReset(t, "a stranger at "+cell, b.raw(testID(9), cell))
		}
		if len(b.cells.asked) > 0 {
			t.Errorf("the cells were asked to %q", b.cells.asked)
		}
		wantReset(t, "a friend at a cell that is missing", b.raw(a.net.id, "missing"))
		wantReset(t, "a friend at a cell that is broken", b.raw(a.net.id, "broken"))
		synctest.Wait()
		if got, want := told(b.denials), []string{"9 broken 1", "9 missing 1",
			"9 retina 1"}; !slices.Equal(got, want) {
			t.Errorf("denials: %q, want %q", got, want)
		}
	})
}
