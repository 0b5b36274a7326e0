package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/cmd/cell/internal/demo"
	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/synapse"
	"github.com/cell-mesh/cell/testnet/bench"
	"github.com/cell-mesh/cell/testnet/floor"
)

func benchCommand() *cobra.Command {
	var cfg bench.Config
	var asJSON bool
	var serve string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "measure calls against raw sockets and libp2p",
		Long: `Measures calls between stems and cells in temporary homes on loopback. Next to
each figure is its floor: the same exchange on a bare Unix socket, on a raw
libp2p stream, or by fork and exec, measured in the same run. Takes one to two
minutes on a quiet machine, and leaves no process or file behind.

KIND is one of:
  ` + wrapWords(bench.Kinds(), 78) + `.`,
		Example: `  cell bench --only local,quic`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if serve != "" {
				return serveBench(cmd.Context(), serve, cmd.InOrStdin(), cmd.OutOrStdout())
			}
			if err := cfg.Check(); err != nil {
				return misuse(err, `see "cell bench --help"`)
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			cfg.Cell, cfg.Log = self, cmd.ErrOrStderr()
			cfg.Build, cfg.Dial, cfg.Floor = buildExamples, dialIn, dialFloor
			rows, err := bench.Run(cmd.Context(), cfg)
			if asJSON {
				json.NewEncoder(cmd.OutOrStdout()).Encode(rows)
			} else if len(rows) > 0 {
				bench.Print(cmd.OutOrStdout(), rows)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&cfg.Only, "only", nil, "measure only these `KIND`s, separated by commas")
	f.IntVar(&cfg.Bridges, "bridges", 10_000, "open `N` bridged calls at once")
	f.DurationVar(&cfg.Idle, "idle", 20*time.Second,
		"watch idle stems for `TIME`")
	f.BoolVar(&cfg.Quick, "quick", false, "do everything once, as a test; the figures mean little")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.StringVar(&serve, "serve", "", "act as the far end of a measurement")
	f.MarkHidden("serve")
	return cmd
}

func buildExamples(ctx context.Context, home string) error {
	_, err := demo.Build(ctx, home)
	return err
}

// dialIn dials as a program in that home does.
func dialIn(ctx context.Context, dir, addr string, early []byte) (bench.Conn, error) {
	h, err := home.At(dir)
	if err != nil {
		return nil, err
	}
	to, err := address.Parse(addr)
	if err != nil {
		return nil, err
	}
	return synapse.DialFrom(ctx, h, to, early)
}

func dialFloor(ctx context.Context, multiaddr string) (bench.Raw, error) {
	h, err := floor.Dial(ctx, multiaddr)
	if err != nil {
		return nil, err
	}
	return raw{h}, nil
}

// raw is a floor.Host whose streams are bench.Conns.
type raw struct{ *floor.Host }

func (r raw) Open(ctx context.Context, name string) (bench.Conn, error) {
	return r.Host.Open(ctx, name)
}

// serveBench acts as a far end until its parent closes its stdin.
func serveBench(ctx context.Context, role string, stdin io.Reader, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // ends with the process at the latest
		io.Copy(io.Discard, stdin)
		stop()
	}()
	switch role {
	case "cells":
		listen := func(name string) (net.Listener, error) { return synapse.Listen(name) }
		return bench.ServeCells(ctx, os.Getenv("CELL_HOME"), listen, stdout)
	case "copy":
		return bench.ServeCopy(stdout)
	case "floor":
		answer := func(name string, s floor.Stream) { bench.Answer(name, s) }
		return floor.Serve(ctx, answer, []string{bench.CellName, bench.HelloName}, bench.Ready,
			stdout)
	}
	return errors.New("there is no far end " + role)
}
