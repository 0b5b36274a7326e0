package bench

import (
	"net"
	"path/filepath"
)

// local measures calls on one machine, which need no stem.
func (l *lab) local() error {
	home := filepath.Join(l.dir, "a")
	if _, err := l.serveCells(home); err != nil {
		return err
	}
	bare := func() (Conn, error) {
		return net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(home, bareSocket),
			Net: "unix"})
	}
	dial := func() (Conn, error) { return l.dial(home, CellName) }

	floor, got, err := inTurns(l.times(60), l.times(50),
		func() error { return call(bare()) },
		func() error { return call(dial()) })
	if err != nil {
		return err
	}
	l.addTime("local: dial, 64 bytes there and back, close", floor, got, 1.10, 0)
	if err := l.open("local", bare, dial, opened{least: 0.97, most: 1.03,
		bytes: 256 << 20}); err != nil {
		return err
	}
	return l.hops(home)
}

// opened has the targets for an open call.
type opened struct {
	least float64 // of the floor's throughput
	most  float64 // times the floor's round trip, or 0
	plus  int     // µs that a round trip may take longer, or 0
	bytes int64   // to carry each time
}
