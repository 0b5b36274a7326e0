package stem

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
	"github.com/cell-mesh/cell/stem/stemtest"
)

// records are the records of a machine.
type records struct {
	mu   sync.Mutex
	all  []Record
	text bytes.Buffer // as JSON
}

// recorded collects the machine's records.
func (m *machine) recorded() *records {
	r := &records{}
	m.Record = func(c Record) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, c)
		json.NewEncoder(&r.text).Encode(c)
	}
	return r
}

// take returns the records since the last time, without their times.
func (r *records) take() (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.all {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s sent=%d received=%d "+
			"%s: %s",
			c.Direction, c.Peer[max(0, len(c.Peer)-4):], c.Cell, c.Verdict, c.Sent,
			c.Received, c.End, c.Path)))
	}
	r.all = nil
	return lines
}

// routed is a stream with a route.
type routed struct{ pipe.Stream }

func (routed) Route() string { return "direct quic" }

// Each call between machines leaves one record at both ends. Both count bytes as the caller sees
// them, so that they are equal.
func TestEveryRemoteCallIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		out, in := a.recorded(), b.recorded()
		a.net.wrap = func(s pipe.Stream) pipe.Stream { return routed{s} }
		b.cells.do["echo"] = echo
		b.cells.do["torn"] = func(s pipe.Stream) {
			io.WriteString(s, "half")
			<-time.After(time.Second) // so that the reset does not overtake the bytes
			s.Abort(errors.New("torn"))
		}
		b.cells.do["greeter"] = func(s pipe.Stream) { io.WriteString(s, "welcome"); s.Close() }
		b.grant(a, "echo", "torn", "greeter", "missing")
		a.rules.rules.Petnames[petname("laptop")] = b.net.id
		idA, idB := a.net.id.String()[48:], b.net.id.String()[48:]

		for _, test := range []struct {
			request string // open, and early bytes
			says    string
			out, in string
		}{
			{"echo@laptop\n", "12345", "ok sent=5 received=5 orderly: direct quic",
				"ok sent=5 received=5 orderly:"},
			{"echo@laptop\n123", "45", "ok sent=5 received=5 orderly: direct quic",
				"ok sent=5 received=5 orderly:"},
			{"greeter@laptop\n", "", "ok sent=0 received=7 orderly: direct quic",
				"ok sent=0 received=7 orderly:"},
			{"torn@laptop\n", "x", "ok sent=1 received=4 cut: reset by the other end: direct quic",
				"ok sent=1 received=4 cut: reset by the other end:"},
			{"missing@laptop\n", "", "not-found sent=0 received=0 refused:",
				"not-found sent=0 received=0 refused:"},
			{"private@laptop\n", "", "denied sent=0 received=0 refused:",
				"denied sent=0 received=0 refused:"},
		} {
			cell, _, _ := strings.Cut(test.request, "@")
			stream := a.local()
			io.WriteString(stream, "open "+test.request+test.says)
			stream.CloseWrite()
			io.ReadAll(stream)
			stream.Close()
			synctest.Wait()
			if got, want := out.take(), []string{"out " + idB + " " + cell + " " +
				test.out}; !slices.Equal(got, want) {
				t.Errorf("%q at the caller: %q, want %q", test.request, got, want)
			}
			if got, want := in.take(), []string{"in " + idA + " " + cell + " " +
				test.in}; !slices.Equal(got, want) {
				t.Errorf("%q at the cell: %q, want %q", test.request, got, want)
			}
		}
		for request, want := range map[string]string{
			"echo@10.0.0.1": "out .0.1 echo unreachable sent=0 received=0 refused:",
			"echo@" + testID(9).String(): "out " + testID(9).String()[48:] +
				" echo unreachable sent=0 received=0 refused:",
		} {
			everything(t, a.local(), "open "+request+"\n")
			synctest.Wait()
			if got := out.take(); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %q, want %q", request, got, want)
			}
		}
		stream := b.raw(a.net.id, "echo")
		everything(t, stream, "123")
		synctest.Wait()
		wantReset(t, "a stranger", b.raw(testID(9), "echo"))
		synctest.Wait()
		if got, want := in.take(), []string{"in " + idA + " echo ok sent=3 received=3 orderly:",
			"in " + testID(9).String()[48:] +
				" echo denied sent=0 received=0 refused:"}; !slices.Equal(got, want) {
			t.Errorf("plain programs: %q, want %q", got, want)
		}
	})
}

// Calls within the machine are not recorded, nor are calls to unknown petnames.
func TestLocalCallsAreNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := twins(t)
		out := a.recorded()
		a.cells.do["echo"] = echo
		a.rules.rules.Petnames[petname("me")] = a.net.id
		for _, request := range []string{"open echo", "open missing",
			"open echo@" + a.net.id.String(), "open echo@me", "open missing@me",
			"open echo@nobody", "open cell://nobody/echo?key=sesame",
			"germinate echo", "status", "reread"} {
			everything(t, a.local(), request+"\n")
		}
		synctest.Wait()
		if got := out.take(); len(got) > 0 {
			t.Errorf("recorded: %q", got)
		}
	})
}

// A record has the time from the request to the end.
func TestRecordedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		out := a.recorded()
		b.grant(a, "slow")
		b.cells.do["slow"] = func(s pipe.Stream) { <-time.After(90 * time.Second); s.Close() }
		began := time.Now()
		everything(t, a.local(), "open slow@"+b.net.id.String()+"\n")
		synctest.Wait()
		if c := out.all[0]; c.Seconds != 90 || !c.Began.Equal(began) {
			t.Errorf("%+v", c)
		}
	})
}

// closing is a stream that knows whether it was closed.
type closing struct {
	pipe.Stream
	closed atomic.Bool
}

func (c *closing) Close() error    { c.closed.Store(true); return c.Stream.Close() }
func (c *closing) Abort(err error) { c.closed.Store(true); c.Stream.Abort(err) }

// The caller gets the refusal and the end of the stream before it is logged and recorded. Here,
// recording blocks until the caller has left.
func TestRefusalComesBeforeItsRecord(t *testing.T) {
	for _, door := range []string{"stem", "raw"} {
		for _, by := range []string{"record", "log"} {
			synctest.Test(t, func(t *testing.T) {
				b := newMachine(t, testID(2))
				near, far := pipetest.New()
				server := &closing{Stream: far}
				gone := make(chan struct{})
				remembered := 0
				remember := func() {
					if !server.closed.Load() {
						t.Errorf("%s, %s: recorded before the answer", door, by)
					}
					<-gone
					remembered++
				}
				if by == "record" {
					b.Record = func(Record) { remember() }
				} else {
					b.Log = slog.New(hook{slog.DiscardHandler, remember})
				}
				if door == "stem" {
					go b.serveRemote(b.ctx, testID(9), server)
					if got := everything(t, near, "open retina\n"); got != "no denied\n" {
						t.Errorf("the answer is %q", got)
					}
				} else {
					go b.serveRaw(b.ctx, testID(9), "retina", server)
					wantReset(t, "a stranger", near)
				}
				synctest.Wait()
				close(gone)
				synctest.Wait()
				if remembered != 1 {
					t.Errorf("%s, %s: recorded %d times", door, by, remembered)
				}
			})
		}
	}
}

// hook is called for each line that is logged.
type hook struct {
	slog.Handler
	called func()
}

func (h hook) Enabled(context.Context, slog.Level) bool  { return true }
func (h hook) Handle(context.Context, slog.Record) error { h.called(); return nil }

// No key, proof or secret, nor a half of one, appears in logs, records or the status.
func TestNoSecretIsWrittenDown(t *testing.T) {
	const serial = "0123456789abcdef"
	self := stemtest.NewIssuer(1)
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.rules.rules.Self = self.ID
		b.cells.do["retina"] = echo
		secret := []byte("\xde\xad\xbe\xef-no-one-knows")
		b.rules.rules.Invites = map[string][]byte{"0123abcd": secret}
		var log lockedBuffer
		out, in := a.recorded(), b.recorded()
		a.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		b.Log = a.Log

		expires := time.Now().Add(time.Hour)
		keys := []string{
			self.Key(serial, "retina", address.ID{}, expires),
			self.Key(serial, "retina", a.net.id, expires),
			self.Key(serial, "retina", testID(8), expires),
			self.Key(serial, "other", address.ID{}, expires),
			self.Key(serial, "retina", address.ID{}, expires.Add(-2*time.Hour)),
			stemtest.NewIssuer(2).Key(serial, "retina", address.ID{}, expires),
			"sesame-open-thyself",
			invite.Proof(secret, "0123abcd", self.ID, a.net.id),
			invite.Proof([]byte("a wrong secret.."), "0123abcd", self.ID, a.net.id),
		}
		for _, key := range keys {
			for _, cell := range []string{"retina", "stem.join", "stem.list", "../x"} {
				for _, at := range []string{"@" + b.net.id.String(), "@" + testID(9).String(), ""} {
					everything(t, a.local(), "open "+cell+at+" key="+key+"\n")
				}
				everything(t, a.local(), "open cell://"+b.net.id.String()+"/"+cell+"?key="+key+"\n")
				everything(t, b.remote(a.net.id), "open "+cell+" key="+key+"\n")
				everything(t, b.remote(a.net.id), "open cell://local/"+cell+"?key="+key+"\n")
				everything(t, b.remote(a.net.id), "open "+cell+"@x key="+key+"\n")
			}
		}
		synctest.Wait()
		status, err := json.Marshal(b.status())
		if err != nil {
			t.Fatal(err)
		}
		written := log.String() + out.text.String() + in.text.String() + string(status)
		if n := len(out.take()) + len(in.take()); n < len(keys) ||
			strings.Count(written, "denied") < len(keys) ||
			!strings.Contains(written, "call ended") {
			t.Errorf("only %d calls were recorded: the test proves nothing", n)
		}
		for _, key := range append(keys, hex.EncodeToString(secret),
			base64.RawURLEncoding.EncodeToString(secret), string(secret), "no-one-knows") {
			for _, part := range []string{key, key[:len(key)/2], key[len(key)/2:]} {
				if i := strings.Index(written, part); i >= 0 {
					t.Errorf("%q is written down: …%s…", key, written[max(0, i-80):i+len(part)])
				}
			}
		}
	})
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
