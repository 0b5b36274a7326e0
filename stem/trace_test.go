package stem

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/internal/wire"
)

// fakeTracer dials each place and then answers count times.
type fakeTracer struct {
	err error
	hum bool // answers until the user leaves
}

func (f fakeTracer) Ping(ctx context.Context, to address.ID, count int,
	tell func(trace.Event) error, at ...address.Place) error {
	for _, place := range at {
		tell(trace.Event{Kind: trace.Dial, Address: place.String()})
	}
	for n := 0; n < count || f.hum; n++ {
		if err := tell(trace.Event{Kind: trace.Answer}); err != nil {
			return err
		}
	}
	if f.err == nil {
		tell(trace.Event{Kind: trace.End, Sum: &trace.Sum{}})
	}
	return f.err
}

func (f fakeTracer) Find(ctx context.Context, to address.ID, tell func(trace.Event) error) error {
	tell(trace.Event{Kind: trace.Found, Source: trace.Cache,
		Addresses: []string{"/ip4/192.0.2.1/tcp/1"}})
	return f.err
}

func decodeEvent(t *testing.T, line string) (e trace.Event) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return e
}

// The local door sends a verdict and then events. Only the last event is an end.
func TestTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		a.Tracer = fakeTracer{}
		id := b.net.id
		name, _ := address.ParsePetname("b")
		known, _ := address.ParsePeer("/ip4/192.0.2.7/tcp/4433/p2p/" + id.String())
		place, _ := known.Place()
		a.rules.rules.Petnames[name] = id
		a.rules.rules.At = map[address.ID][]address.Place{id: {place}}
		for request, want := range map[string]string{
			"ping b":                  "found peers file|dial|answer|end",
			"ping b count=3":          "found peers file|dial|answer|answer|answer|end",
			"ping " + id.String():     "found peers file|dial|answer|end",
			"ping " + place.String():  "found place|found peers file|dial|dial|answer|end",
			"find b":                  "found peers file|found cache|end",
			"ping b count=2 later=on": "found peers file|dial|answer|answer|end",
		} {
			verdict, lines, _ := strings.Cut(everything(t, a.local(), request+"\n"), "\n")
			var got []string
			for line := range strings.Lines(lines) {
				e := decodeEvent(t, line)
				got = append(got, strings.TrimSpace(string(e.Kind)+" "+e.Source))
			}
			if verdict != "ok" || strings.Join(got, "|") != want {
				t.Errorf("%s: %s, %s; want %s", request, verdict, strings.Join(got, "|"), want)
			}
		}
		a.Tracer = fakeTracer{err: errors.New("no way")}
		for _, request := range []string{"ping b", "find b"} {
			all := everything(t, a.local(), request+"\n")
			if last := decodeEvent(t, all[strings.LastIndex(all[:len(all)-1],
				"\n")+1:]); last.Kind != trace.End || last.Reason != "no way" {
				t.Errorf("%s ends with %+v", request, last)
			}
		}
	})
}

// A request that cannot be traced is refused with a code and a reason.
func TestTraceRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		a.Tracer = fakeTracer{}
		a.grant(b, "*")
		for request, want := range map[string]string{
			"ping":                                   "no bad ",
			"ping local":                             "no bad ",
			"ping stranger":                          "no unreachable no peer is called stranger",
			"ping 192.0.2.1":                         "no unreachable ",
			"ping " + a.net.id.String():              "no bad that is this machine itself",
			"ping " + b.net.id.String() + " count=0": "no bad count=0 ",
			"ping " + b.net.id.String() + " count=1001":  "no bad count=1001 ",
			"ping " + b.net.id.String() + " count=three": "no bad count=three ",
			"find": "no bad ",
		} {
			if got := everything(t, a.local(), request+"\n"); !strings.HasPrefix(got, want) ||
				strings.Count(got, "\n") != 1 {
				t.Errorf("%s: %q, want %q", request, got, want)
			}
		}
		// Other machines cannot ask.
		for _, request := range []string{"ping " + b.net.id.String(), "find " + b.net.id.String()} {
			if got := everything(t, a.remote(b.net.id), request+"\n"); got != "no bad\n" {
				t.Errorf("the remote door says %q to %s", got, request)
			}
		}
		a.Tracer = nil
		if got := everything(t, a.local(), "ping "+b.net.id.String()+"\n"); !strings.HasPrefix(got,
			"no failed ") {
			t.Errorf("without a tracer: %q", got)
		}
	})
}

// A trace ends when its user leaves.
func TestTraceEndsWithItsUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		a.Tracer = fakeTracer{hum: true}
		door := a.local()
		io.WriteString(door, wire.Request{Verb: wire.Ping, Object: b.net.id.String()}.String())
		if _, _, err := wire.ReadVerdict(door); err != nil {
			t.Fatal(err)
		}
		door.Abort(nil)
		a.tasks.Wait() // or the bubble deadlocks
	})
}
