// Package bench measures calls and compares each with its floor: the same exchange on a bare
// Unix socket, on a raw libp2p stream, or by fork and exec. It measures both in turns in one
// run, since machines and their load differ. Stems, cells and the far ends of floors are
// separate processes on loopback, in private meshes without mDNS. Nothing is sent to other
// machines.
//
//	rows, err := bench.Run(ctx, cfg)
//	err = bench.Print(os.Stdout, rows)
//
// Config passes the SDK and libp2p as functions, so this package imports neither.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Conn is one end of a call or of its floor.
type Conn interface {
	io.ReadWriteCloser
	CloseWrite() error
	SetDeadline(time.Time) error
}

// Raw opens streams to a far end, without cell.
type Raw interface {
	Open(ctx context.Context, protocol string) (Conn, error)
	Close() error
}

// Config says what to measure and with what.
type Config struct {
	// Cell is the path of the program cell.
	Cell string
	// Dial is synapse.DialWith, in a home.
	Dial func(ctx context.Context, home, address string, early []byte) (Conn, error)
	// Build builds the example cells, including echo, into a home.
	Build func(ctx context.Context, home string) error
	// Floor makes a libp2p host that is connected to the one at a multiaddr.
	Floor func(ctx context.Context, multiaddr string) (Raw, error)
	// Only has the kinds of rows to measure. If empty, all.
	Only []string
	// Bridges is the number of open calls for the kind many. If zero, 10,000.
	Bridges int
	// Idle is how long the kind idle watches stems. If zero, 20 s.
	Idle time.Duration
	// Quick measures everything once, as a test.
	Quick bool
	// Log gets the progress.
	Log io.Writer
}

// kinds of rows, in the order of measuring.
var kinds = []struct {
	name    string
	measure func(*lab) error
}{
	{"local", (*lab).local},
	{"cold", (*lab).cold},
	{"quic", func(l *lab) error { return l.remote("quic-v1") }},
	{"tcp", func(l *lab) error { return l.remote("tcp") }},
	{"far", (*lab).far},
	{"ssh-quic", func(l *lab) error { return l.ssh("quic-v1") }},
	{"ssh-tcp", func(l *lab) error { return l.ssh("tcp") }},
	{"stall", (*lab).stall},
	{"many", (*lab).many},
	{"idle", (*lab).idle},
}

// Kinds returns the kinds of rows.
func Kinds() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// Check returns the first error in the Config, with the remedy.
func (c Config) Check() error {
	for _, name := range c.Only {
		if !slices.Contains(Kinds(), name) {
			return fmt.Errorf("unknown kind of rows %q: write one of %s", name,
				strings.Join(Kinds(), ", "))
		}
	}
	switch {
	case c.Bridges < 0:
		return fmt.Errorf("%d bridges: must be positive", c.Bridges)
	case c.Idle < 0:
		return fmt.Errorf("idle %v: must be positive", c.Idle)
	}
	return nil
}

// Run measures and returns the rows. It stops all processes that it starts.
func Run(ctx context.Context, cfg Config) (rows []Row, err error) {
	if cfg.Bridges == 0 {
		cfg.Bridges = 10_000
	}
	if cfg.Idle == 0 {
		cfg.Idle = 20 * time.Second
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	for _, k := range kinds {
		if len(cfg.Only) > 0 && !slices.Contains(cfg.Only, k.name) {
			continue
		}
		began := time.Now()
		got, err := measure(ctx, cfg, k.measure)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", k.name, err)
		}
		rows = append(rows, got...)
		fmt.Fprintf(cfg.Log, "measured %s in %.1f s\n", k.name, time.Since(began).Seconds())
	}
	return rows, nil
}

// measure measures one kind of rows in its own lab, so that kinds don't affect each other.
func measure(ctx context.Context, cfg Config, kind func(*lab) error) (rows []Row, err error) {
	dir, err := os.MkdirTemp("", "cell-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{Config: cfg, ctx: ctx, dir: dir}
	defer func() { err = errors.Join(err, l.close(), os.RemoveAll(dir)) }()
	err = kind(l)
	return l.rows, err
}
