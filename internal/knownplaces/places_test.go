package knownplaces

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

// The test binary is also the other process that learns: in the home that it is told.
func TestMain(m *testing.M) {
	if os.Getenv("PLACES_LEARN") == "" {
		goleak.VerifyTestMain(m)
	}
	if err := learnAll(os.Getenv("PLACES_LEARN")); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// learnAll learns fifty places of a process.
func learnAll(dir string) error {
	h, err := home.At(dir)
	for n := range 50 {
		if err == nil {
			_, err = Learn(context.Background(), h,
				place(fmt.Sprintf("10.0.%d.%d", os.Getpid()%250, n)), addresstest.ID(n))
		}
	}
	return err
}

// The first answer is kept: whoever answers later is compared with it, and does not become it.
func TestFirstAnswerIsKept(t *testing.T) {
	h := hometest.New(t)
	for _, at := range []address.Place{place("192.168.1.5"), place("192.168.1.5:4433"),
		place("[::1]:4433"), place("host.example.org"),
		place("/ip4/192.0.2.1/udp/4433/quic-v1"), place("/dns4/host.example.org/tcp/1")} {
		if known, ok, err := Find(h, at); ok || err != nil {
			t.Errorf("%s, before: %v, %v", at, known, err)
		}
		for n, answers := range []int{1, 1, 2, 3, 1} {
			known, err := Learn(t.Context(), h, at, addresstest.ID(answers))
			if err != nil || known.ID != addresstest.ID(1) {
				t.Errorf("%s, answer %d by %d: %v, %v", at, n, answers, known, err)
			}
			if age := time.Since(known.Since); age < 0 || age > time.Minute {
				t.Errorf("%s: learnt at %v", at, known.Since)
			}
			if found, ok, err := Find(h, at); found != known || !ok || err != nil {
				t.Errorf("%s: found %v, %v, want %v", at, found, err, known)
			}
		}
	}
	if info, err := os.Stat(h.Places()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// A port is another place, and so is a name: each has its own memory.
func TestPlacesAreApart(t *testing.T) {
	h := hometest.New(t)
	all := []address.Place{place("192.168.1.5"), place("192.168.1.5:1"), place("192.168.1.5:2"),
		place("desk.lan"), place("desk.lan:1")}
	for n, at := range all {
		if known, err := Learn(t.Context(), h, at, addresstest.ID(n)); err != nil ||
			known.ID != addresstest.ID(n) {
			t.Errorf("%s: %v, %v", at, known, err)
		}
	}
	for n, at := range all {
		if known, ok, err := Find(h, at); known.ID != addresstest.ID(n) || !ok || err != nil {
			t.Errorf("%s: %v, %v", at, known, err)
		}
	}
}

// Only the user can tell a new machine from somebody in between; to forget is how they say so.
func TestForget(t *testing.T) {
	h := hometest.New(t)
	at, other := place("192.168.1.5"), place("192.168.1.6")
	for n, p := range []address.Place{at, other} {
		if _, err := Learn(t.Context(), h, p, addresstest.ID(n)); err != nil {
			t.Fatal(err)
		}
	}
	if known, ok, err := Forget(t.Context(), h, at); known.ID != addresstest.ID(0) || !ok ||
		err != nil {
		t.Errorf("the first time: %v, %v, %v", known, ok, err)
	}
	if known, ok, err := Forget(t.Context(), h, at); ok || err != nil {
		t.Errorf("the second time: %v, %v", known, err)
	}
	if known, err := Learn(t.Context(), h, at, addresstest.ID(7)); known.ID != addresstest.ID(7) ||
		err != nil {
		t.Errorf("the next answer: %v, %v", known, err)
	}
	if known, _, _ := Find(h, other); known.ID != addresstest.ID(1) {
		t.Errorf("the other place has %v", known)
	}
}

// Many calls go out at once. To one place, all agree who was first; of many places, none is lost.
func TestLearnersAtOnce(t *testing.T) {
	h := hometest.New(t)
	var group sync.WaitGroup
	agreed := make([]Known, 50)
	for n := range agreed {
		group.Go(func() {
			var err error
			if agreed[n], err = Learn(t.Context(), h, place("192.168.1.5"),
				addresstest.ID(n)); err != nil {
				t.Error(err)
			}
			if _, err := Learn(t.Context(), h, place(fmt.Sprintf("10.0.0.%d", n)),
				addresstest.ID(n)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for n, known := range agreed {
		if known != agreed[0] {
			t.Errorf("%v and %v were both first", known, agreed[0])
		}
		if own, ok, err := Find(h, place(fmt.Sprintf("10.0.0.%d",
			n))); own.ID != addresstest.ID(n) || !ok || err != nil {
			t.Errorf("of 10.0.0.%d is known %v, %v", n, own, err)
		}
	}
}

// A stem and a command are two processes: neither undoes what the other has learnt.
func TestProcessesAtOnce(t *testing.T) {
	h := hometest.New(t)
	var others []*exec.Cmd
	for range 2 {
		other := exec.Command(os.Args[0])
		other.Env = append(os.Environ(), "PLACES_LEARN="+h.String())
		other.Stdout, other.Stderr = os.Stderr, os.Stderr
		if err := other.Start(); err != nil {
			t.Fatal(err)
		}
		others = append(others, other)
	}
	for _, other := range others {
		if err := other.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range others {
		for n := range 50 {
			at := place(fmt.Sprintf("10.0.%d.%d", other.Process.Pid%250, n))
			if known, ok, err := Find(h, at); known.ID != addresstest.ID(n) || !ok || err != nil {
				t.Errorf("%s: %v, %v", at, known, err)
			}
		}
	}
}

// A mistake in the file is named, and nobody is learnt meanwhile: an answer that can't be
// compared with the last one is not believed, and what the user wrote is not written
// over.
func TestBadFile(t *testing.T) {
	good := fmt.Sprintf("['192.168.1.5']\nid = %q\nsince = 2026-11-23T03:06:57Z\n",
		addresstest.ID(1).String())
	for text, where := range map[string]string{
		good + "[\n":                                 "places.toml:4: ",
		good + "['10.0.0.1']\nid = 'laptop'\n":       "places.toml:5: ",
		good + "['10.0.0.1']\nid = 7\n":              "places.toml:5: ",
		good + "['10.0.0.1']\nid = ''\n":             "places.toml:5: ",
		good + "['10.0.0.1']\n":                      `places.toml: "10.0.0.1" has no id`,
		good + "peer = 'laptop'\n":                   "places.toml:4: unknown key",
		good + "['10.0.0.1']\nsince = 'yesterday'\n": "places.toml:5: ",
		good + good: "places.toml:4: ",
	} {
		h := hometest.New(t)
		if err := os.WriteFile(h.Places(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, found := Find(h, place("192.168.1.5"))
		_, learnt := Learn(t.Context(), h, place("192.168.1.5"), addresstest.ID(2))
		_, _, forgot := Forget(t.Context(), h, place("192.168.1.5"))
		for what, err := range map[string]error{"Find": found, "Learn": learnt, "Forget": forgot} {
			if err == nil || !strings.Contains(err.Error(), where) {
				t.Errorf("%s with %q: %v, want %q", what, text, err, where)
			}
		}
		if now, err := os.ReadFile(h.Places()); err != nil || string(now) != text {
			t.Errorf("%q has become %q, %v", text, now, err)
		}
	}
}

// The file never grows beyond what can be read again, even with the longest places that there are.
func TestManyLongPlaces(t *testing.T) {
	h := hometest.New(t)
	long := func(n int) address.Place {
		return place(fmt.Sprintf("/dns4/%04d%s/tcp/4433", n, strings.Repeat("x", 1000)))
	}
	all := map[string]Known{}
	for n := range maxKnown - 1 {
		all[long(n).String()] = Known{addresstest.ID(n), time.Now()}
	}
	if err := edit(t.Context(), h, func(now map[string]Known) error {
		for at, known := range all {
			now[at] = known
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := Learn(t.Context(), h, long(9000), addresstest.ID(1)); err != nil {
		t.Errorf("the last one: %v", err)
	}
	if _, err := Learn(t.Context(), h, long(9001), addresstest.ID(1)); err == nil ||
		!strings.Contains(err.Error(), "places already") {
		t.Errorf("one too many: %v", err)
	}
	if known, err := Learn(t.Context(), h, long(3),
		addresstest.ID(1)); known.ID != addresstest.ID(3) || err != nil {
		t.Errorf("a known one: %v, %v", known, err)
	}
}

func place(text string) address.Place {
	peer, err := address.ParsePeer(text)
	p, ok := peer.Place()
	if err != nil || !ok {
		panic(fmt.Sprintf("%q is no place: %v", text, err))
	}
	return p
}
