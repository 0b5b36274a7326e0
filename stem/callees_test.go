package stem

import (
	"errors"
	"io"
	"testing"

	"github.com/cell-mesh/cell/internal/door"
	"github.com/cell-mesh/cell/internal/wire"
)

// A cell that says that it can't finish a call has it end in a cut; others end in order, and what has ended is forgotten.
func TestCellCutsCall(t *testing.T) {
	f := newFactoryWith(t, "echo")
	caller := func() (name string) {
		for name = range f.callees.by {
		}
		return name
	}
	for _, cut := range []bool{true, false} {
		stream, err := f.Connect(t.Context(), name("echo"), Caller{testID(2)})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(stream, "words")
		who := caller()
		if cut && !f.Cut(who) {
			t.Errorf("%s has no call under way", who)
		}
		stream.CloseWrite()
		got, err := io.ReadAll(stream)
		if string(got) != "words" || errors.Is(err, errCutByCell) != cut {
			t.Errorf("read %q, %v", got, err)
		}
		stream.Close()
		if f.Cut(who) || len(f.callees.by) != 0 {
			t.Errorf("%d calls are under way after the end", len(f.callees.by))
		}
	}
}

// The door takes a cut from a cell, and knows no caller that has none under way.
func TestCutAtTheDoor(t *testing.T) {
	h := newHome(t)
	runStem(t, h, nil)
	for _, caller := range []string{"nobody", testID(2).String() + "/0123456789abcdef"} {
		_, err := door.Ask(t.Context(), h, wire.Request{Verb: wire.CutCall, Object: caller})
		if !errors.Is(err, wire.NotFound) {
			t.Errorf("%s: %v", caller, err)
		}
	}
}
