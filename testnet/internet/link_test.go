package internet

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// A packet takes the delay of both lines, exactly, and those of one way stay in order.
func TestDelay(t *testing.T) {
	inWorld(t, func(w world) {
		a, b := w.listen(w.host(natlab.Public), 0, 0), w.listen(w.host(natlab.EIM), 0, 0)
		began := time.Now()
		b.call(a)
		if took := time.Since(began); took != 2*delay {
			t.Errorf("took %v", took)
		}
		a.host.Site().SetLink(Link{Delay: time.Second})
		began = time.Now()
		check(t, a.SetReadDeadline(began.Add(time.Minute)))
		const letters = "abcdefghijklmnopqrstuvwxyz"
		for _, letter := range letters {
			b.send(string(letter), a.at)
		}
		var got strings.Builder
		for range letters {
			buf := make([]byte, 1)
			_, _, err := a.ReadFrom(buf)
			check(t, err)
			got.Write(buf)
		}
		if took := time.Since(began); got.String() != letters || took != time.Second+delay {
			t.Errorf("got %q after %v", &got, took)
		}
	})
}

// A narrow line passes as much as fits, makes those wait that come at once, and drops
// what would wait too long.
func TestRate(t *testing.T) {
	inWorld(t, func(w world) {
		a, b := w.listen(w.host(natlab.Public), 0, 0), w.listen(w.host(natlab.Public), 0, 0)
		for name, narrow := range map[string]*udp{"uplink": a, "downlink": b} {
			a.host.Site().SetLink(Link{})
			b.host.Site().SetLink(Link{})
			narrow.host.Site().SetLink(Link{Rate: 100_000})
			const sent = 50 // of 1000 bytes: half a second's worth
			packet := strings.Repeat("x", 1000-headers)
			began := time.Now()
			for range sent {
				a.send(packet, b.at)
			}
			got, last := 0, began
			for {
				if text, _ := b.hear(); text == "" {
					break
				}
				got, last = got+1, time.Now()
			}
			if took := last.Sub(began); got < 10 || got > 12 ||
				took != time.Duration(got)*10*time.Millisecond {
				t.Errorf("%s: %d packets arrived in %v", name, got, took)
			}
		}
	})
}

// Packets get lost on each line with the probability that it has, and the same ones for
// the same seed.
func TestLoss(t *testing.T) {
	count := func() (got int) {
		inWorld(t, func(w world) {
			a, b := w.listen(w.host(natlab.Public), 0, 0), w.listen(w.host(natlab.Public), 0, 0)
			a.host.Site().SetLink(Link{Loss: 0.5})
			b.host.Site().SetLink(Link{Loss: 0.5})
			const sent = 1000
			for range sent {
				a.send("x", b.at)
			}
			for {
				if text, _ := b.hear(); text == "" {
					break
				}
				got++
			}
			if lost := int(w.Stats().Lost); lost != sent-got {
				t.Errorf("%d of %d arrived, and %d are counted as lost", got, sent, lost)
			}
		})
		return got
	}
	first := count()
	if first < 200 || first > 300 {
		t.Errorf("%d of 1000 arrived over two lines that lose half", first)
	}
	if second := count(); second != first {
		t.Errorf("%d arrived, and then %d", first, second)
	}
}

// What does not fit into the MTU, or goes nowhere, is dropped and counted.
func TestRefused(t *testing.T) {
	inWorld(t, func(w world) {
		a, b := w.listen(w.host(natlab.Public), 0, 0), w.listen(w.host(natlab.Public), 0, 0)
		if a.send(strings.Repeat("x", MTU), b.at); w.Stats().Refused != 1 {
			t.Errorf("%+v", w.Stats())
		}
		gone := b.at
		check(t, b.Close())
		a.send("x", gone)
		a.send("x", netip.AddrPortFrom(w.host(natlab.EIM).site.public4(), 4433))
		a.send("x", netip.MustParseAddrPort("45.200.0.1:4433"))
		time.Sleep(patience)
		if w.Stats().Refused != 4 || w.Stats().Lost != 0 {
			t.Errorf("%+v", w.Stats())
		}
	})
}
