package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// serveCells starts the cells that answer, in a home.
func (l *lab) serveCells(home string) ([]string, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	return l.serve("cells", home)
}

// floor starts a libp2p host as a process, and another one in this process that is connected
// to it by a transport, through way unless it is nil.
func (l *lab) floor(transport string, way func(string) (string, error)) (Raw, error) {
	addrs, err := l.serve("floor", filepath.Join(l.dir, "floor"))
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		if !strings.Contains(addr, "/"+transport+"/") {
			continue
		}
		if way != nil {
			if addr, err = way(addr); err != nil {
				return nil, err
			}
		}
		raw, err := l.Floor(l.ctx, addr)
		if err == nil {
			l.undo = append(l.undo, raw.Close)
		}
		return raw, err
	}
	return nil, fmt.Errorf("the floor does not listen on %s", transport)
}

// remote measures calls through two stems, over a transport.
func (l *lab) remote(transport string) error {
	here, there, err := l.pair(transport, nil)
	if err != nil {
		return err
	}
	if _, err := l.serveCells(there.Home); err != nil {
		return err
	}
	raw, err := l.floor(transport, nil)
	if err != nil {
		return err
	}
	open := func(name string) (Conn, error) { return raw.Open(l.ctx, name) }
	dial := func(name string) (Conn, error) { return l.dial(here.Home, name+"@"+there.ID) }
	floor, got, err := inTurns(l.times(40), l.times(25),
		func() error { return hello(open(HelloName)) },
		func() error { return hello(dial(HelloName)) })
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(transport, "-v1")
	l.addTime(name+": dial to first byte", floor, got, 0, 100*time.Microsecond)
	return l.open(name,
		func() (Conn, error) { return open(CellName) },
		func() (Conn, error) { return dial(CellName) },
		opened{least: 0.95, plus: 25, bytes: 32 << 20})
}

// open measures an open call and its floor.
func (l *lab) open(what string, floor, dial func() (Conn, error), must opened) error {
	one, err := floor()
	if err != nil {
		return err
	}
	defer one.Close()
	other, err := dial()
	if err != nil {
		return err
	}
	defer other.Close()
	if err := errors.Join(echo(one), echo(other)); err != nil {
		return err
	}
	was, got, err := inTurns(l.times(60), l.times(50),
		func() error { return roundTrip(one) },
		func() error { return roundTrip(other) })
	if err != nil {
		return err
	}
	l.addTime(what+": 64 bytes there and back, open call", was, got, must.most,
		time.Duration(must.plus)*time.Microsecond)

	if l.Quick {
		must.bytes = 1 << 20
	}
	for _, way := range ways {
		carry := func(open func() (Conn, error)) func() error {
			return func() error {
				conn, err := open()
				return way.carry(conn, err, must.bytes)
			}
		}
		was, got, err := inTurns(l.times(7), 1, carry(floor), carry(dial))
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		l.addRate(what+": one stream, "+way.name, must.bytes, was, got, must.least)
	}
	return nil
}

// ways are the directions of bulk data.
var ways = []struct {
	name  string
	carry func(Conn, error, int64) error
}{{"there", upload}, {"back", download}}
