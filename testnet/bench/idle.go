package bench

import (
	"fmt"
	"time"

	"github.com/cell-mesh/cell/testnet/local"
)

const idlePeers = 20

// idle measures what an idle stem costs, alone and with idle peers.
func (l *lab) idle() error {
	alone, err := l.stem("alone")
	if err != nil {
		return err
	}
	hub, err := l.stem("hub")
	if err != nil {
		return err
	}
	for i := range l.times(idlePeers) {
		if _, err := l.stem(fmt.Sprintf("p%d", i), "--bootstrap",
			hub.Addr("quic-v1")); err != nil {
			return err
		}
	}
	window := l.Idle
	if l.Quick {
		window = time.Second
	}
	time.Sleep(2 * l.settle())
	stems := []struct {
		what string
		*local.Stem
	}{{"idle stem, no peers", alone}, {fmt.Sprintf("idle stem, %d idle peers", idlePeers), hub}}
	var before []use
	for _, s := range stems {
		u, err := useOf(s.PID())
		if err != nil {
			return err
		}
		before = append(before, u)
	}
	time.Sleep(window)
	for i, s := range stems {
		u, err := useOf(s.PID())
		if err != nil {
			return err
		}
		share := 100 * (u.cpu - before[i].cpu).Seconds() / window.Seconds()
		wakeups := float64(u.switches-before[i].switches) / window.Seconds()
		rss := float64(u.memory) / 1e6
		l.add(Row{What: s.what + ": of a core", Got: share, Unit: "%", Target: "≤ 0.1",
			Reached: share <= 0.1,
			Note:    fmt.Sprintf("%.1f wake-ups of a thread a second, over %v", wakeups, window)})
		l.add(Row{What: s.what + ": memory", Got: rss, Unit: "MB", Target: "≤ 45",
			Reached: rss <= 45})
	}
	return nil
}
