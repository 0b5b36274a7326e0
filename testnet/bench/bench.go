// Package bench measures a call side by side with its floor: the same exchange on a bare
// Unix socket, on a raw libp2p stream, or by fork and exec. Both are measured in one run,
// in turns, since machines differ and so do minutes. Stems, cells and the far ends of the
// floors are processes of their own; all are on loopback, in private meshes without mDNS,
// and nothing is sent anywhere else.
//
// What is measured through the SDK and through libp2p comes as values, so that this
// package stands below both.
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

// Raw opens streams to a far end without cell in between.
type Raw interface {
	Open(ctx context.Context, protocol string) (Conn, error)
	Close() error
}

// Config says what to measure and with what.
type Config struct {
	// Cell is the path of the program that is measured.
	Cell string
	// Dial is synapse.DialWith, in a home.
	Dial func(ctx context.Context, home, address string, early []byte) (Conn, error)
	// Build puts the example cells, echo among them, into the dna of a home.
	Build func(ctx context.Context, home string) error
	// Floor makes a raw libp2p host that is connected to the one at a multiaddr.
	Floor func(ctx context.Context, multiaddr string) (Raw, error)
	// Only names the kinds of rows to measure. If empty, all.
	Only []string
	// Bridges is how many are opened at once. If zero, 10,000.
	Bridges int
	// Idle is how long stems are watched doing nothing. If zero, 20 s.
	Idle time.Duration
	// Quick measures everything once, to see that it works.
	Quick bool
	// Log is told what is under way.
	Log io.Writer
}

// kinds of rows, in the order in which they are measured.
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

// Kinds lists the kinds of rows.
func Kinds() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// Check says what is wrong with the Config, with the remedy.
func (c Config) Check() error {
	for _, name := range c.Only {
		if !slices.Contains(Kinds(), name) {
			return fmt.Errorf("no kind of rows is called %q: there are %s", name,
				strings.Join(Kinds(), ", "))
		}
	}
	switch {
	case c.Bridges < 0:
		return fmt.Errorf("%d bridges can't be opened: write a number from 1 on", c.Bridges)
	case c.Idle < 0:
		return fmt.Errorf("%v is no time to watch: write one as in 20s", c.Idle)
	}
	return nil
}

// Run measures and returns the rows. It stops everything that it has started.
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

// measure gives one kind of rows a lab of its own, so that none starts with what another
// has left in memory.
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
