package node

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/internal/pipe"
)

// offered is a stream that tells into how many bytes it is read.
type offered struct {
	network.Stream
	rooms chan int
}

func (o offered) Read(p []byte) (int, error) {
	o.rooms <- len(p)
	return o.Stream.Read(p)
}

// Over TCP a stream is waited for without a buffer, and read into a large one once there
// is something; an end is told as well.
func TestReadLate(t *testing.T) {
	a, b := startNode(t, Config{}), startNode(t, Config{})
	came := accept(t, b)
	near, err := a.Open(testContext(t), b.ID(), at(t, b, "tcp"))
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	fmt.Fprint(near, "!")
	far := receive(t, came)
	defer far.Close()
	far.SetDeadline(time.Now().Add(testWait))
	expect(t, far, "!")
	fmt.Fprint(far, "?")
	expect(t, near, "?") // the greeting is over

	s := near.(*stream)
	rooms := make(chan int, 16)
	s.raw = offered{s.raw, rooms}
	s.SetDeadline(time.Now().Add(testWait))
	type result struct {
		text string
		err  error
	}
	read := make(chan result)
	go func() {
		var loan pipe.Loan
		defer loan.GiveBack()
		for {
			n, err := s.ReadLate(&loan)
			read <- result{string(loan.Take()[:n]), err}
			if err != nil {
				return
			}
		}
	}()
	for _, text := range []string{"first", "second"} {
		if room := receive(t, rooms); room != 0 {
			t.Errorf("it waits with a buffer of %d bytes", room)
		}
		select {
		case r := <-read:
			t.Fatalf("nothing was sent and it has read %q, %v", r.text, r.err)
		default:
		}
		fmt.Fprint(far, text)
		if room := receive(t, rooms); room < 64<<10 {
			t.Errorf("it reads into %d bytes", room)
		}
		if got := receive(t, read); got != (result{text, nil}) {
			t.Errorf("read %q, %v", got.text, got.err)
		}
	}
	far.CloseWrite()
	if got := receive(t, read); got != (result{"", io.EOF}) {
		t.Errorf("read %q, %v at the end", got.text, got.err)
	}
}
