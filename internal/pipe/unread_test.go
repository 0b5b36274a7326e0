package pipe_test

import (
	"context"
	"testing"
	"testing/iotest"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// What was read along with a verdict comes before what the stream reads next, in pieces
// of any size.
func TestUnread(t *testing.T) {
	for _, rest := range []string{"", "r", "the rest, "} {
		far, near := pipetest.New()
		write(t, far, "and more")
		closeWrite(t, far)
		if err := iotest.TestReader(pipe.Unread(near, []byte(rest)),
			[]byte(rest+"and more")); err != nil {
			t.Error(err)
		}
	}
}

// Its rest is read even when the stream behind it waits, and the other direction is the
// stream's own.
func TestUnreadDoesNotWait(t *testing.T) {
	far, near := pipetest.New()
	s := pipe.Unread(near, []byte("hello"))
	wantNext(t, s, "hello")
	write(t, s, "answer")
	closeWrite(t, s)
	wantAll(t, far, "answer")
}

// Behind the rest, it waits without a buffer if the stream can.
func TestUnreadIsPatient(t *testing.T) {
	far, near := unixPair(t)
	s := pipe.Unread(near, []byte("rest"))
	write(t, far, " and more")
	for _, want := range []string{"rest", " and more"} {
		var loan pipe.Loan
		n, err := pipe.ReadLate(s, &loan)
		if err != nil || string(loan.Take()[:n]) != want {
			t.Errorf("read %q, %v, want %q", loan.Take()[:n], err, want)
		}
		if large := len(loan.Take()) > 64<<10; large != (want == " and more") {
			t.Errorf("%q was read into %d bytes", want, len(loan.Take()))
		}
		loan.GiveBack()
	}
}

// Whether the other end has left is the stream's to say.
func TestUnreadTellsWhoLeft(t *testing.T) {
	s := pipe.Unread(leaver{}, []byte("rest"))
	if !pipe.HasLeft(t.Context(), s) {
		t.Error("nobody has left")
	}
}

// leaver is a stream whose other end has left.
type leaver struct{ pipe.Stream }

func (leaver) Left(context.Context) bool { return true }

// A stream without a rest is handed back as it is: no layer for nothing.
func TestUnreadNothing(t *testing.T) {
	_, near := pipetest.New()
	if s := pipe.Unread(near, nil); s != near {
		t.Errorf("got a %T", s)
	}
}
