// Package demo shows a call between two stems on this machine, each in its own home: it
// sends a picture from one to a cell on the other, using only its peer ID. Every step is a
// command that a user could type.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cell-mesh/cell/cells"
	"github.com/cell-mesh/cell/testnet/local"
)

// output is the file that the demo leaves in the current directory.
const output = "edges.png"

// Run runs the demo with the program at the path cell, and prints each step to out. When it
// returns, only ./edges.png is left: no process and no other file.
func Run(ctx context.Context, cell string, out io.Writer) (err error) {
	d := &demo{out: out, began: time.Now()}
	dir, err := os.MkdirTemp("", "cell-demo-")
	if err != nil {
		return err
	}
	a := &local.Stem{Name: "a", Home: filepath.Join(dir, "a"), Cell: cell, Mesh: "demo"}
	b := &local.Stem{Name: "b", Home: filepath.Join(dir, "b"), Cell: cell, Mesh: "demo"}
	defer func() { err = errors.Join(err, a.StopAll(), b.StopAll(), os.RemoveAll(dir)) }()

	d.say("two stems, a and b, with homes in %s", dir)
	if err := d.build(ctx, b); err != nil {
		return err
	}
	if err := d.start(ctx, a, b); err != nil {
		return err
	}
	if err := d.introduce(ctx, a, b); err != nil {
		return err
	}
	edges, err := d.call(ctx, a, "retina@"+b.ID, cells.Picture)
	if err != nil {
		return err
	}
	size, err := png.DecodeConfig(bytes.NewReader(edges))
	if err != nil {
		return fmt.Errorf("the answer of retina is not a picture: %w", err)
	}
	d.say("a: got its edges, %d x %d; b started retina, which started edge_detector", size.Width,
		size.Height)
	words, err := d.call(ctx, a, "brain@"+b.ID, cells.Picture)
	if err != nil {
		return err
	}
	d.say("a: got %s", strings.TrimSpace(string(words)))
	if err := os.WriteFile(output, edges, 0o644); err != nil {
		return err
	}
	d.say("wrote ./%s; stopping everything", output)
	return nil
}

type demo struct {
	out   io.Writer
	began time.Time
}

// say prints a step with its time.
func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "%7.3f s  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// build builds the cells into b's home.
func (d *demo) build(ctx context.Context, b *local.Stem) error {
	d.say("b: building echo, edge_detector, retina and brain")
	from, err := Build(ctx, b.Home)
	if err != nil {
		return err
	}
	d.say("b: built from %s", from)
	return nil
}

// start starts both stems in a private mesh; b is the bootstrap peer of a.
func (d *demo) start(ctx context.Context, a, b *local.Stem) error {
	if err := b.Start(ctx); err != nil {
		return err
	}
	d.say("b: cell up                   %s", b.ID)
	if err := a.Start(ctx, "--bootstrap", b.Addrs[0]); err != nil {
		return err
	}
	d.say("a: cell up --bootstrap …     %s", a.ID)
	return nil
}

// introduce shows that b refuses a until it trusts it.
func (d *demo) introduce(ctx context.Context, a, b *local.Stem) error {
	_, err := a.Run(ctx, nil, "connect", "retina@"+b.ID)
	var failed *local.Failure
	if !errors.As(err, &failed) || !strings.Contains(failed.Said, "denied") {
		return fmt.Errorf("a stranger was not denied: %v", err)
	}
	d.say("a: cell connect retina@b     denied: b trusts nobody yet")
	if _, err := b.Run(ctx, nil, "trust", a.ID, "--as", "a", "--cells",
		"retina,brain"); err != nil {
		return err
	}
	d.say("b: cell trust a --cells retina,brain")
	return nil
}

// call sends input to a cell and returns its answer.
func (d *demo) call(ctx context.Context, from *local.Stem, address string,
	input []byte) ([]byte, error) {
	name, _, _ := strings.Cut(address, "@")
	d.say("%s: cell connect %s@%s… < picture.png", from.Name, name, address[len(name)+1:][:12])
	return from.Run(ctx, input, "connect", address)
}
