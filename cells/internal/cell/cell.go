// Package cell is the part of a cell that is not its work: its name, its socket, its
// callers, and an end in good order. With it, a cell is its work and a few words about
// it:
//
//	func main() {
//		cell.Cell{Name: "echo", Serve: echo}.Main()
//	}
//
// Cells of yours need none of this: synapse.Listen and a loop around Accept are a cell.
package cell

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/synapse"
)

// Cell is a program that serves calls. Name and Serve are needed.
type Cell struct {
	// Name is what the cell is called unless it is started with --name.
	Name string

	// Serve serves one call: it reads what the caller sends, and writes the answer. The
	// caller's end of writing is io.EOF; when Serve returns, the answer ends. An error
	// cuts the call, and is logged.
	Serve func(ctx context.Context, conn io.ReadWriter) error

	// AtOnce is how many calls are served at once; further callers wait. If zero, 1000.
	AtOnce int

	// Time is how long a call may take; ctx and the reading end with it. If zero, as long
	// as the caller likes.
	Time time.Duration
}

// Main runs the cell until it gets SIGTERM or SIGINT, and exits: 0 after such a signal, 1
// when it can't listen, 2 when it was started in a wrong way. A second signal ends it at
// once.
func (c Cell) Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	listen := func(name string) (net.Listener, error) { return synapse.Listen(name) }
	os.Exit(c.run(ctx, os.Args[1:], os.Stderr, listen))
}

func (c Cell) run(ctx context.Context, args []string, stderr io.Writer,
	listen func(name string) (net.Listener, error)) int {
	flags := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	name := flags.String("name", c.Name, "the `name` to be called by")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "%s: error: %q is one argument too many\n", c.Name, flags.Arg(0))
		return 2
	}
	listener, err := listen(*name)
	if err != nil {
		fmt.Fprintf(stderr, "%s: error: %v\n", *name, err)
		return 1
	}
	s := server{Cell: c, log: log.New(stderr, *name+": ", log.LstdFlags), grace: 5 * time.Second,
		linger: 2 * time.Second}
	s.serve(ctx, listener)
	return 0
}
