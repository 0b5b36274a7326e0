package internet

import (
	"testing"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// A partition lets through what stays within a group, and those that are in no group are one.
func TestPartition(t *testing.T) {
	inWorld(t, func(w world) {
		var all []*udp
		for range 6 {
			all = append(all, w.listen(w.host(natlab.Public), 0, 0))
		}
		site := func(i int) *Site { return all[i].host.Site() }
		expect := func(when string, together func(a, b int) bool) {
			t.Helper()
			for a := range all {
				for b := range all {
					if a != b && all[a].reaches(all[b], all[b].at) != together(a, b) {
						t.Errorf("%s: %d to %d: %v", when, a, b, !together(a, b))
					}
				}
			}
		}
		w.Partition([]*Site{site(0), site(1)}, []*Site{site(2), site(3)})
		expect("partition", func(a, b int) bool { return a/2 == b/2 })
		w.Heal()
		whole := w.Partition([]*Site{site(0)})
		expect("another", func(a, b int) bool { return a != 0 && b != 0 })
		join := w.Cut(site(1), site(2))
		w.Cut(site(4), site(5))
		expect("cut", func(a, b int) bool { return a != 0 && b != 0 && a+b != 3 && a+b != 9 })
		join()
		expect("one cut healed", func(a, b int) bool { return a != 0 && b != 0 && a+b != 9 })
		whole()
		join() // which it is already
		expect("the partition healed", func(a, b int) bool { return a+b != 9 })
		w.Heal()
		whole()
		expect("healed", func(a, b int) bool { return true })
	})
}

// A host without its cable hears nothing and is not heard, and can be plugged in again.
func TestUnplug(t *testing.T) {
	inWorld(t, func(w world) {
		a, b := w.listen(w.host(natlab.Public), 0, 0), w.listen(w.host(natlab.EIM), 0, 0)
		b.call(a)
		b.host.Unplug()
		if b.reaches(a, a.at) {
			t.Error("is heard")
		}
		b.host.Plug()
		seen := b.call(a)
		b.host.Unplug()
		if a.reaches(b, seen) {
			t.Error("hears")
		}
		b.host.Plug()
		if !a.reaches(b, seen) {
			t.Error("hears nothing any more")
		}
	})
}
