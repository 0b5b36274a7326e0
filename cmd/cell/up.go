package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/cmd/cell/internal/service"
	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/textfile"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/stem"
)

const defaultMesh = "public"

// upFlags are the flags of `cell up`, which stem.toml may hold by the same names.
type upFlags struct {
	Port      int          `toml:"port"`
	Mesh      string       `toml:"mesh"`
	Bootstrap []string     `toml:"bootstrap"`
	NoMDNS    bool         `toml:"no-mdns"`
	Listen    []netip.Addr `toml:"listen"`
	Relay     string       `toml:"relay"`
	Verbose   bool         `toml:"verbose"`
}

func upCommand() *cobra.Command {
	var flags upFlags
	var listen []string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "run this machine's stem",
		Long: `Runs the stem of this machine until it is interrupted: by Ctrl-C or, in the background, by "kill
PID" of the process that "cell status" shows. Prints its peer ID and the addresses where others
can reach it. Cells go on without it, and the next stem finds them.

The flags may stand in ~/.cell/stem.toml by the same names, as in port = 4433 or, for those that
are repeatable, listen = ["127.0.0.1"]; a flag wins.`,
		Example: `  cell up
  cell up --mesh home --bootstrap /ip4/192.168.1.5/udp/4433/quic-v1/p2p/12D3KooW…`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, text := range listen {
				ip, err := netip.ParseAddr(text)
				if err != nil {
					return misuse(fmt.Errorf("--listen %q is not an IP address", text),
						"as in --listen 127.0.0.1")
				}
				flags.Listen = append(flags.Listen, ip)
			}
			h, identity, err := openHome()
			if err != nil {
				return err
			}
			if err := readConfig(h, cmd, &flags); err != nil {
				return err
			}
			return up(cmd.Context(), h, identity, flags, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.IntVar(&flags.Port, "port", 0, "UDP and TCP `PORT` (default 4433, or a free one if that is taken)")
	f.StringVar(&flags.Mesh, "mesh", defaultMesh,
		"where to find peers: `NAME` is public, none, or a private mesh's")
	f.StringArrayVar(&flags.Bootstrap, "bootstrap", nil,
		"`MULTIADDR` of a peer to begin with, instead of the built-in ones; repeatable")
	f.BoolVar(&flags.NoMDNS, "no-mdns", false,
		"do not look for peers on the local network, nor be seen there")
	f.StringArrayVar(&listen, "listen", nil, "`IP` address to listen on, instead of all; repeatable")
	f.StringVar(&flags.Relay, "relay", node.RelayTrusted,
		"relay for `WHOM`: trusted (and the members of a private mesh), public, or none")
	f.BoolVarP(&flags.Verbose, "verbose", "v", false, "log calls and starts, too")
	return cmd
}

// check refuses what no stem can do, and names the flag that asks for it.
func (f upFlags) check() (flag string, err error) {
	switch {
	case f.Port < 0 || f.Port > 65535:
		return "port", hint(fmt.Errorf("port %d does not exist", f.Port),
			"ports go from 1 to 65535")
	case !slices.Contains([]string{node.RelayTrusted, node.RelayPublic, node.RelayNone}, f.Relay):
		return "relay", hint(fmt.Errorf("relay %q: there is no such group", f.Relay),
			"write trusted, public or none")
	case f.Mesh == "":
		return "mesh", hint(errors.New("mesh is empty"),
			"name one, or leave it out for the public one")
	}
	if err := node.CheckMesh(f.Mesh); err != nil {
		return "mesh", hint(err, "as in --mesh home")
	}
	if err := node.CheckBootstrap(f.Mesh, f.Bootstrap); err != nil {
		return "bootstrap", hint(err, `"cell up" prints the addresses of the peer where it runs`)
	}
	return "", nil
}

// readConfig fills what the command line left open from stem.toml, if there is one, and
// refuses what no stem can do: as misuse where the command line asks for it, else by the
// file's line.
func readConfig(h home.Home, cmd *cobra.Command, flags *upFlags) error {
	given := cmd.Flags().Changed
	if err := readFile(h, given, flags); err != nil {
		return err
	}
	flag, err := flags.check()
	switch {
	case err == nil:
		return nil
	case given(flag):
		return misused{err}
	}
	return textfile.At(h.StemConfig(), flag, err)
}

func readFile(h home.Home, given func(flag string) bool, flags *upFlags) error {
	file := upFlags{Mesh: flags.Mesh}
	err := textfile.Read(h.StemConfig(), &file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !given("port") {
		flags.Port = file.Port
	}
	if !given("mesh") {
		flags.Mesh = file.Mesh
	}
	if !given("bootstrap") {
		flags.Bootstrap = file.Bootstrap
	}
	if !given("no-mdns") {
		flags.NoMDNS = file.NoMDNS
	}
	if !given("listen") {
		flags.Listen = file.Listen
	}
	if !given("relay") && file.Relay != "" {
		flags.Relay = file.Relay
	}
	if !given("verbose") {
		flags.Verbose = file.Verbose
	}
	return nil
}

// leaveCores keeps the stem to half of the cores, unless $GOMAXPROCS says otherwise. A
// stem passes bytes on, and its cells and their callers do the work: on a machine with
// few cores, a thread of ours that looks for more to do costs each call more than it
// gains.
func leaveCores() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
}

// up claims the home, listens, and serves until ctx ends.
func up(ctx context.Context, h home.Home, identity node.Identity, flags upFlags, stdout,
	stderr io.Writer) error {
	leaveCores()
	claim, err := stem.Claim(h)
	if errors.Is(err, stem.ErrRunning) {
		return hint(err, `one is enough; for another, set CELL_HOME to another directory`)
	}
	if err != nil {
		return err
	}
	defer claim.Unlock()
	level := slog.LevelWarn
	if flags.Verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	// it comes after its network, which asks it whom to relay for
	var running atomic.Pointer[stem.Stem]
	friends := func() []address.ID {
		if s := running.Load(); s != nil {
			return s.Trusted()
		}
		return nil
	}
	n, err := node.New(node.Config{
		Identity:  identity,
		Port:      flags.Port,
		Listen:    flags.Listen,
		Mesh:      flags.Mesh,
		Bootstrap: flags.Bootstrap,
		NoMDNS:    flags.NoMDNS,
		Cache:     filepath.Join(h.CacheDir(), "addresses.json"),
		Relay:     flags.Relay,
		Friends:   friends,
		Log:       log,
	})
	if err != nil {
		return err
	}
	defer n.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s, err := stem.New(stem.Config{
		Home:    h,
		Version: thisBuild().Version,
		Wrapper: self,
		Claim:   claim,
		Network: n,
		Tracer:  n,
		Log:     log,
		Hooks: stem.Hooks{
			Describe: func() any { return n.Status() },
			Ready:    func() { announce(n, flags, stdout, stderr) },
		},
	})
	if err != nil {
		return err
	}
	running.Store(s)
	// The network goes on while the stem lets its calls come to an end.
	network, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return n.Run(network) })
	group.Go(func() error {
		defer stop()
		return s.Run(ctx)
	})
	return errors.Join(group.Wait(), n.Close())
}

// announce says where the stem is and that it is ready.
func announce(n *node.Node, flags upFlags, stdout, stderr io.Writer) {
	fmt.Fprintln(stdout, n.ID())
	for _, addr := range n.Addrs() {
		fmt.Fprintln(stdout, addr)
	}
	if port := insteadOfDefault(n.Addrs()); flags.Port == 0 && port != "" {
		fmt.Fprintf(stderr, "cell: port %d is taken, by another stem perhaps: this one listens on %s\n", node.DefaultPort, port)
	}
	if flags.Mesh == "public" {
		fmt.Fprintln(stderr, `cell: the public mesh announces this machine's addresses to anyone who knows its ID; "--mesh none" or "--mesh NAME" does not`)
	}
	fmt.Fprintln(stderr, "cell: ready")
	if err := service.Ready(); err != nil {
		fmt.Fprintf(stderr, "cell: problem: the service manager can't be told: %v\n", err)
	}
}

// downHint says how to end the stem, which has no command of its own.
func downHint(ctx context.Context) string {
	pid := stemPID(ctx)
	if pid == 0 {
		return "no stem is running that could be ended"
	}
	return fmt.Sprintf("\"kill %d\" ends the stem, and so does Ctrl-C where \"cell up\" runs", pid)
}

// insteadOfDefault returns the port in the addresses if none of them has the default one.
func insteadOfDefault(addrs []string) (port string) {
	for _, addr := range addrs {
		words := strings.Split(addr, "/")
		for i, word := range words[1:] {
			if words[i] != "udp" || strings.Contains(addr, "/p2p-circuit") {
				continue
			}
			if word == strconv.Itoa(node.DefaultPort) {
				return ""
			}
			port = cmp.Or(port, word)
		}
	}
	return port
}
