package pipe_test

import (
	"context"
	"testing"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// optional is a stream with all the optional methods. Each call sets a flag.
type optional struct {
	pipe.Stream
	readLate, left bool
}

func (o *optional) ReadLate(*pipe.Loan) (int, error) { o.readLate = true; return 0, nil }
func (o *optional) Left(context.Context) bool        { o.left = true; return true }

// A type that embeds Wrapper still forwards the optional methods, through two layers.
func TestWrapperForwardsOptionalMethods(t *testing.T) {
	type outer struct{ pipe.Wrapper }
	inner := &optional{}
	s := outer{pipe.Wrapper{Stream: outer{pipe.Wrapper{Stream: inner}}}}
	var loan pipe.Loan
	pipe.ReadLate(s, &loan)
	if !pipe.HasLeft(t.Context(), s) || !inner.readLate || !inner.left {
		t.Errorf("forwarded ReadLate: %v, Left: %v", inner.readLate, inner.left)
	}
	if got := s.Unwrap().(outer).Unwrap(); got != inner {
		t.Errorf("unwrapped to a %T", got)
	}
}

// A stream without the optional methods works as well in a Wrapper.
func TestWrapperOfPlainStream(t *testing.T) {
	far, near := pipetest.New()
	s := pipe.Wrapper{Stream: near}
	write(t, far, "hello")
	var loan pipe.Loan
	if n, err := pipe.ReadLate(s, &loan); err != nil || string(loan.Take()[:n]) != "hello" {
		t.Errorf("read %q, %v", loan.Take()[:n], err)
	}
	if pipe.HasLeft(t.Context(), s) {
		t.Error("a plain stream cannot know that the other end has left")
	}
}
