package stem

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/address"
)

// Strangers cause denials and IDs are free, so the memory is limited, and no peer takes all of it.
func TestDenialsAreLimited(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	k, now := newDenials(), noon
	ids := make([]address.ID, 300)
	for n := range ids {
		ids[n] = testID(n)
	}
	for range 100_000 {
		now = now.Add(time.Duration(random.Int64N(int64(time.Second))))
		k.add(ids[random.IntN(len(ids))], name(fmt.Sprintf("cell%d", random.IntN(1000))), now)
		if len(k.kept) > maxDenials {
			t.Fatalf("%d are kept", len(k.kept))
		}
	}
	if n := len(k.recent(now)); n != maxDenials {
		t.Errorf("%d are listed, of 100000", n)
	}
	for n := range 1000 { // one peer tries every name
		now = now.Add(time.Second)
		k.add(testID(9999), name(fmt.Sprintf("cell%d", n)), now)
	}
	perPeer := map[address.ID]int{}
	for _, knock := range k.recent(now) {
		perPeer[knock.peer]++
	}
	if n := perPeer[testID(9999)]; n != maxPeerDenials {
		t.Errorf("%d denials of one peer are kept", n)
	}
	if len(perPeer) < (maxDenials-maxPeerDenials)/maxPeerDenials {
		t.Errorf("the other peers were dropped: %d are left", len(perPeer))
	}
}

// New denials are rate limited, so that a flood does not drop what the owner should see. Known ones
// are always counted.
func TestDenialsAreRateLimited(t *testing.T) {
	k := newDenials()
	known := name("retina")
	k.add(testID(0), known, noon)
	flood := func(now time.Time, first int) (taken int) {
		clear(k.kept) // so that all that are added are counted
		for n := range 1000 {
			k.add(testID(first+n), known, now)
		}
		return len(k.kept)
	}
	if n := flood(noon, 1); n != maxDenials-1 {
		t.Errorf("%d were added at once, want %d", n, maxDenials-1)
	}
	if n := flood(noon.Add(time.Second), 2000); n != denialsPerSecond {
		t.Errorf("%d were added in a second, want %d", n, denialsPerSecond)
	}
	at := noon.Add(time.Second)
	for range 1000 {
		k.add(testID(2000), known, at)
	}
	if got := k.kept[denialKey{testID(2000), known}].times; got != 1001 {
		t.Errorf("1001 denials, %d counted", got)
	}
}

// The list begins with the last denial and drops those older than a day.
func TestDenialsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDenials()
		for _, knock := range []struct {
			peer int
			cell string
		}{{1, "retina"}, {2, "retina"}, {1, "echo"}, {1, "retina"}} {
			k.add(testID(knock.peer), name(knock.cell), time.Now())
			<-time.After(time.Hour)
		}
		if got, want := told(k), []string{"1 retina 2", "1 echo 1",
			"2 retina 1"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		<-time.After(keepDenials - 2*time.Hour)
		if got, want := told(k), []string{"1 retina 2", "1 echo 1"}; !slices.Equal(got, want) {
			t.Errorf("after a day: %q, want %q", got, want)
		}
		<-time.After(2 * time.Hour)
		if got := told(k); len(got) > 0 || len(k.kept) > 0 {
			t.Errorf("after two days: %q", got)
		}
		k.add(testID(1), name("retina"), time.Now())
		if got := told(k); !slices.Equal(got, []string{"1 retina 1"}) {
			t.Errorf("a new denial of an old peer: %q", got)
		}
	})
}

func told(k *denials) (lines []string) {
	for _, knock := range k.recent(time.Now()) {
		for n := range 10 {
			if knock.peer == testID(n) {
				lines = append(lines, fmt.Sprintf("%d %s %d", n, knock.cell, knock.times))
			}
		}
	}
	return lines
}

// A denial is a peer that was denied a cell. Other refusals, and refusals of the user, do
// not count.
func TestWhichRefusalsAreDenials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := twins(t)
		b.cells.do["echo"], b.cells.do["private"] = echo, echo
		b.grant(a, "echo", "missing")
		for _, request := range []string{"open echo\n", "open missing\n", "open stem.join\n",
			"open stem.join key=x.y\n", "open ../x\n", "status\n", "\n"} {
			everything(t, b.remote(a.net.id), request)
		}
		for _, request := range []string{"open missing\n", "open private\n",
			"open echo@" + a.net.id.String() + "\n", "open x@" + testID(9).String() + "\n"} {
			everything(t, b.local(), request)
		}
		synctest.Wait()
		if got := told(b.denials); len(got) > 0 {
			t.Errorf("denials: %q", got)
		}
		everything(t, b.remote(a.net.id), "open private\n")
		everything(t, b.remote(testID(9)), "open nothing key=sesame\n")
		synctest.Wait()
		<-time.After(time.Second)
		everything(t, b.remote(a.net.id), "open private\n")
		synctest.Wait()
		if got, want := told(b.denials), []string{"1 private 2", "9 nothing 1"}; !slices.Equal(got,
			want) {
			t.Errorf("denials: %q, want %q", got, want)
		}
		knock := b.status().Denied[0]
		if want := "cell trust " + a.net.id.String() + " --cells private"; knock.Allow != want ||
			knock.Times != 2 {
			t.Errorf("the status shows %+v, want %q", knock, want)
		}
	})
}
