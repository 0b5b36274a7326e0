package stem

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
)

// A call goes from a local door through two stems to a cell, and its end is known.
func TestCallThroughTwoStems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.cells.do["echo"] = echo
		b.grant(a, "echo")

		call, stream := open(t, a.local(), "echo@"+b.net.id.String())
		if call == "" {
			t.Error("the verdict carries no call number")
		}
		if got := everything(t, stream, "light"); got != "light" {
			t.Errorf("the echo is %q", got)
		}
		synctest.Wait()
		if _, _, err := ask(t, a.local(), "end "+call); err != nil {
			t.Errorf("end %s: %v", call, err)
		}
		want := "connect echo for " + a.net.id.String()
		if got := strings.Join(b.cells.asked, ", "); got != want {
			t.Errorf("the far cells were asked to %q, want %q", got, want)
		}
	})
}

// Each direction ends by itself: many protocols answer only at the end of file.
func TestHalfCloseThroughTwoStems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		heard := make(chan string, 1)
		b.cells.do["count"] = func(s pipe.Stream) { // answers at the end of file
			all, _ := io.ReadAll(s)
			fmt.Fprint(s, len(all))
			s.Close()
		}
		b.cells.do["lecture"] = func(s pipe.Stream) { // ends its side first
			io.WriteString(s, "that is all")
			s.CloseWrite()
			all, _ := io.ReadAll(s)
			heard <- string(all)
			s.Close()
		}
		b.grant(a, "*")

		_, stream := open(t, a.local(), "count@"+b.net.id.String())
		if got := everything(t, stream, "12345"); got != "5" {
			t.Errorf("count says %q", got)
		}
		call, stream := open(t, a.local(), "lecture@"+b.net.id.String())
		if got, err := io.ReadAll(stream); string(got) != "that is all" || err != nil {
			t.Errorf("the lecture is %q, %v", got, err)
		}
		io.WriteString(stream, "a question")
		stream.Close()
		if got := <-heard; got != "a question" {
			t.Errorf("the lecturer heard %q", got)
		}
		synctest.Wait()
		if _, _, err := ask(t, a.local(), "end "+call); err != nil {
			t.Errorf("end %s: %v", call, err)
		}
	})
}

// writes records each write.
type writes struct {
	pipe.Stream
	seen []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.seen = append(w.seen, string(p))
	return w.Stream.Write(p)
}

// Bytes behind the request line are sent with the request, in one write.
func TestEarlyBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		hop := &writes{}
		a.net.wrap = func(s pipe.Stream) pipe.Stream { hop.Stream = s; return hop }
		a.cells.do["echo"], b.cells.do["echo"] = echo, echo
		b.grant(a, "echo")

		for _, address := range []string{"echo@" + b.net.id.String(), "echo"} {
			_, answer, ok := strings.Cut(everything(t, a.local(), "open "+address+"\nearly"), "\n")
			if !ok || answer != "early" {
				t.Errorf("%s answers %q", address, answer)
			}
		}
		if want := "open echo\nearly"; len(hop.seen) == 0 || hop.seen[0] != want {
			t.Errorf("the writes to the other machine are %q, want first %q", hop.seen, want)
		}
	})
}

// late delays reads, so that verdict and bytes arrive together.
type late struct{ pipe.Stream }

func (l late) Read(p []byte) (int, error) {
	<-time.After(time.Second)
	return l.Stream.Read(p)
}

// The bytes of a cell that speaks first follow the verdict, and none are lost.
func TestCellSpeaksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.cells.do["greeter"] = func(s pipe.Stream) {
			io.WriteString(s, "welcome")
			s.Close()
		}
		b.grant(a, "greeter")
		a.net.wrap = func(s pipe.Stream) pipe.Stream { return late{s} }
		verdict, rest, _ := strings.Cut(everything(t, a.local(),
			"open greeter@"+b.net.id.String()+"\n"), "\n")
		if !strings.HasPrefix(verdict, "ok call=") || rest != "welcome" {
			t.Errorf("got %q, then %q", verdict, rest)
		}
		if got := everything(t, b.remote(a.net.id), "open greeter\n"); got != "ok\nwelcome" {
			t.Errorf("the remote door says %q", got)
		}
	})
}
