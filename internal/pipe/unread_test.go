package pipe_test

import (
	"testing"
	"testing/iotest"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// What was read along with a verdict comes before what the stream reads next, in pieces of any size.
func TestUnread(t *testing.T) {
	for _, rest := range []string{"", "r", "the rest, "} {
		far, near := pipetest.New()
		write(t, far, "and more")
		closeWrite(t, far)
		if err := iotest.TestReader(pipe.Unread(near, []byte(rest)), []byte(rest+"and more")); err != nil {
			t.Error(err)
		}
	}
}

// Its rest is read even when the stream behind it waits, and the other direction is the stream's own.
func TestUnreadDoesNotWait(t *testing.T) {
	far, near := pipetest.New()
	s := pipe.Unread(near, []byte("hello"))
	wantNext(t, s, "hello")
	write(t, s, "answer")
	closeWrite(t, s)
	wantAll(t, far, "answer")
}

// A stream without a rest is handed back as it is: no layer for nothing.
func TestUnreadNothing(t *testing.T) {
	_, near := pipetest.New()
	if s := pipe.Unread(near, nil); s != near {
		t.Errorf("got a %T", s)
	}
}
