package stem

import (
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/pipe/pipetest"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// A stem that is stopped lets calls end by themselves within the grace period.
func TestCallEndsWithinTheGracePeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.cells.do["echo"] = echo
		b.grant(a, "echo")
		call, stream := open(t, a.local(), "echo@"+b.net.id.String())
		since, ended := time.Now(), make(chan time.Duration, 1)
		go func() {
			a.drain(a.cut)
			ended <- time.Since(since)
		}()
		<-time.After(a.Grace - time.Second)
		if got := everything(t, stream, "one more word"); got != "one more word" {
			t.Errorf("the echo is %q", got)
		}
		synctest.Wait()
		if len(ended) > 0 {
			t.Error("the stem ended before the caller could ask how its call ended")
		}
		if err := a.calls.outcome(number(t, call)); err != nil {
			t.Errorf("end: %v", err)
		}
		if took := <-ended; took != a.Grace-time.Second {
			t.Errorf("it ended after %v, want as soon as the caller had asked", took)
		}
	})
}

// A call that does not end in time is cut on both sides, and its caller can ask why.
func TestCallIsCutAfterTheGracePeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.cells.do["echo"] = echo
		b.grant(a, "echo")
		call, stream := open(t, a.local(), "echo@"+b.net.id.String())
		since := time.Now()
		a.drain(a.cut)
		if took := time.Since(since); took != a.Grace {
			t.Errorf("it took %v, want %v", took, a.Grace)
		}
		if _, err := stream.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("the caller reads %v", err)
		}
		if err := a.calls.outcome(number(t, call)); err == nil ||
			!strings.Contains(err.Error(), "the stem was stopped") {
			t.Errorf("end: %v", err)
		}
		stream.Close()
		b.drain(b.cut) // returns at once: the far stem has no calls left
		if took := time.Since(since); took != a.Grace {
			t.Errorf("the far stem still had work, for %v", took-a.Grace)
		}
	})
}

// New callers are refused at both doors while the stem closes, and do not delay its end.
func TestNoNewCallersWhileClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		a.cells.do["echo"] = echo
		a.grant(b, "echo")
		call, under := open(t, a.local(), "echo")
		ended := make(chan bool)
		go func() {
			a.drain(a.cut)
			close(ended)
		}()
		synctest.Wait()
		if got, err := io.ReadAll(a.local()); len(got) > 0 || err != nil {
			t.Errorf("at the local door: %q, %v", got, err)
		}
		if got, err := io.ReadAll(a.remote(b.net.id)); len(got) > 0 || err == nil {
			t.Errorf("at the remote door: %q, %v: a refusal must not look like an orderly end", got,
				err)
		}
		if got := everything(t, under, "still here"); got != "still here" {
			t.Errorf("the call under way got %q", got)
		}
		a.calls.outcome(number(t, call))
		<-ended
		a.drain(a.cut) // a second time there is nothing to do
		if len(a.cells.asked) != 1 {
			t.Errorf("the cells were asked to %q", a.cells.asked)
		}
	})
}

// A caller whose call ended just before the stop may still ask.
func TestCallThatEndedJustBefore(t *testing.T) {
	for pause, want := range map[time.Duration]time.Duration{time.Second / 2: time.Second,
		2 * time.Second: 0} {
		synctest.Test(t, func(t *testing.T) {
			a, b := twins(t)
			b.cells.do["echo"] = echo
			b.grant(a, "echo")
			call, stream := open(t, a.local(), "echo@"+b.net.id.String())
			everything(t, stream, "words")
			time.Sleep(pause)
			since, ended := time.Now(), make(chan time.Duration)
			go func() {
				a.drain(a.cut)
				ended <- time.Since(since)
			}()
			defer time.AfterFunc(time.Second, func() { a.calls.outcome(number(t, call)) }).Stop()
			if took := <-ended; took != want {
				t.Errorf("stopped %v after the end of a call it took %v, want %v", pause, took,
					want)
			}
		})
	}
}

// While the stem closes, a cell can still report that it cannot finish a call: it may be stopping
// at the same time.
func TestCutWhileClosing(t *testing.T) {
	a, _ := twins(t)
	caller := socket.NewCallerName(testID(2).String())
	for request, want := range map[string]string{
		string(wire.CutCall) + " " + caller: "",
		string(wire.Germinate) + " echo":    "the stem is closing",
	} {
		near, door := pipetest.New()
		go a.serveLate(door)
		_, _, err := ask(t, near, request)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", request, err, want)
		}
	}
	if got := a.cells.asked; len(got) != 1 || got[0] != "cut "+caller {
		t.Errorf("the cells were asked to %q", got)
	}
}

func number(t *testing.T, call string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(call, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
