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

// upFlags are the flags of `cell up`. stem.toml sets them by the same names.
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
		Long: `Runs this machine's stem until Ctrl-C, or "kill PID" with the process that "cell
status" shows. Prints the peer ID and the addresses of this machine. Cells keep
running when the stem ends, and the next stem finds them.

Peers are found in the public mesh, unless --mesh names a private one. "--relay
trusted" relays calls for trusted peers and for the members of a private mesh.

~/.cell/stem.toml sets defaults for the flags, by the same names: port = 4433,
or for a repeatable flag, listen = ["127.0.0.1"].`,
		Example: `  cell up --mesh home --bootstrap /ip4/192.168.1.5/tcp/4433/p2p/12D3KooW…`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			surviveClosedOutput()
			for _, text := range listen {
				ip, err := netip.ParseAddr(text)
				if err != nil {
					return misuse(fmt.Errorf("--listen %q is not an IP address", text),
						"for example: --listen 127.0.0.1")
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
	f.IntVar(&flags.Port, "port", 0, "UDP and TCP `PORT` (default 4433, or a free one)")
	f.StringVar(&flags.Mesh, "mesh", defaultMesh,
		"join the mesh `NAME`; none to join none")
	f.StringArrayVar(&flags.Bootstrap, "bootstrap", nil,
		"join through the peer at `MULTIADDR`; repeatable")
	f.BoolVar(&flags.NoMDNS, "no-mdns", false,
		"turn off discovery on the local network")
	f.StringArrayVar(&listen, "listen", nil, "listen only on this `IP` address; repeatable")
	f.StringVar(&flags.Relay, "relay", node.RelayTrusted,
		"relay for `WHOM`: trusted, public or none")
	f.BoolVarP(&flags.Verbose, "verbose", "v", false, "also log calls and starts of cells")
	return cmd
}

// check returns the first flag with an invalid value, and what is wrong with it.
func (f upFlags) check() (flag string, err error) {
	switch {
	case f.Port < 0 || f.Port > 65535:
		return "port", hint(fmt.Errorf("port %d is out of range", f.Port),
			"use a port from 1 to 65535")
	case !slices.Contains([]string{node.RelayTrusted, node.RelayPublic, node.RelayNone}, f.Relay):
		return "relay", hint(fmt.Errorf("relay %q is not trusted, public or none", f.Relay),
			"for example: --relay none")
	case f.Mesh == "":
		return "mesh", hint(errors.New("the mesh name is empty"),
			"name a mesh, or leave out --mesh for the public one")
	}
	if err := node.CheckMesh(f.Mesh); err != nil {
		return "mesh", hint(err, "for example: --mesh home")
	}
	if err := node.CheckBootstrap(f.Mesh, f.Bootstrap); err != nil {
		return "bootstrap", hint(err, `use an address that "cell up" prints on another machine`)
	}
	return "", nil
}

// readConfig sets the flags that the command line left out from stem.toml, if it exists,
// and checks them all. A bad flag is misuse; a bad setting is an error with its line.
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
	for flag, set := range map[string]func(){
		"port":      func() { flags.Port = file.Port },
		"mesh":      func() { flags.Mesh = file.Mesh },
		"bootstrap": func() { flags.Bootstrap = file.Bootstrap },
		"no-mdns":   func() { flags.NoMDNS = file.NoMDNS },
		"listen":    func() { flags.Listen = file.Listen },
		"relay":     func() { flags.Relay = cmp.Or(file.Relay, flags.Relay) },
		"verbose":   func() { flags.Verbose = file.Verbose },
	} {
		if !given(flag) {
			set()
		}
	}
	return nil
}

// leaveCores limits the stem to half of the cores, unless $GOMAXPROCS is set. A stem only
// passes bytes on; cells and callers do the work. On a machine with few cores, an extra
// thread that looks for work slows each call down.
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
		return hint(err, `to run a second one, set CELL_HOME to another directory`)
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
	// set after the network starts, which asks it whom to relay for
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
	// The network outlives the stem, so that calls can finish.
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

// announce prints the ID and addresses, and reports that the stem is ready.
func announce(n *node.Node, flags upFlags, stdout, stderr io.Writer) {
	fmt.Fprintln(stdout, n.ID())
	for _, addr := range n.Addrs() {
		fmt.Fprintln(stdout, addr)
	}
	if port := insteadOfDefault(n.Addrs()); flags.Port == 0 && port != "" {
		fmt.Fprintf(stderr, "cell: port %d is in use, perhaps by another stem; listening on %s\n",
			node.DefaultPort, port)
	}
	if flags.Mesh == "public" {
		fmt.Fprintln(stderr, "cell: in the public mesh, anyone who knows this machine's ID "+
			`can look up its addresses; use "--mesh none" or "--mesh NAME" to avoid that`)
	}
	fmt.Fprintln(stderr, "cell: ready")
	if err := service.Ready(); err != nil {
		fmt.Fprintf(stderr, "cell: problem: can't notify the service manager: %v\n", err)
	}
}

// downHint says how to stop the stem; there is no command for that.
func downHint(ctx context.Context) string {
	pid := stemPID(ctx)
	if pid == 0 {
		return "there is nothing to stop: no stem is running"
	}
	return fmt.Sprintf("to stop the stem, press Ctrl-C where \"cell up\" runs, or run \"kill %d\"",
		pid)
}

// insteadOfDefault returns the port in the addresses, or "" if it is the default one.
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
