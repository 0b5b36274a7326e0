package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/testnet/local"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// realNode is a node whose stem is a process on a host of the lab.
type realNode struct {
	Node
	host  *natlab.Host
	stem  local.Node
	id    string
	flags []string // --bootstrap, for "cell up"
	addrs []string
	pid   atomic.Int64 // of its stem; 0 while none runs
}

// makeHome creates the node's key, and its cells, which everyone may call.
func (n *realNode) makeHome() error {
	h := n.stem.Home
	if err := h.Make(); err != nil {
		return err
	}
	identity, err := node.LoadIdentity(h.IdentityKey())
	if err != nil {
		return err
	}
	n.id = identity.ID().String()
	for text, cell := range n.Cells {
		name, err := address.ParseName(text)
		if err != nil {
			return err
		}
		if err := writeDNA(h.DNA(name), cell); err != nil {
			return err
		}
	}
	return nil
}

// writeDNA writes a cell's program and settings. Except for a DNA cell, the program is a
// line of shell that runs once per call.
func writeDNA(path string, cell Cell) error {
	if cell.Does == DNA {
		return errors.Join(os.Symlink(cell.Program, path),
			os.WriteFile(path+".toml", []byte("public = true\n"), 0o600))
	}
	script := map[string]string{
		Echo:   "exec cat",
		Slow:   fmt.Sprintf("sleep %.3f; exec cat", cell.Wait.Seconds()),
		Crash:  "head -c 1 >/dev/null; kill -9 $$",
		Silent: "cat >/dev/null; exec sleep 1000000",
	}[cell.Does]
	return errors.Join(os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700),
		os.WriteFile(path+".toml", []byte("public = true\nmode = \"stdio\"\n"), 0o600))
}

// bootstrapFlags are the flags with which other nodes bootstrap from this public one.
func (n *realNode) bootstrapFlags() (flags []string) {
	for _, addr := range n.addrs {
		if strings.Contains(addr, "/"+n.host.Addr.String()+"/") ||
			strings.Contains(addr, "/"+n.host.Addr6.String()+"/") {
			flags = append(flags, "--bootstrap", addr)
		}
	}
	return flags
}

// start starts the node's stem and returns when it answers.
func (n *realNode) start(ctx context.Context, cell string) error {
	cmd := n.host.Command(context.Background(), cell,
		append([]string{"up", "--mesh", "testnet"}, n.flags...)...)
	cmd.Env = append(os.Environ(), "CELL_HOME="+n.stem.Home.String())
	status, err := n.stem.Start(ctx, cmd)
	if err != nil {
		return err
	}
	n.pid.Store(int64(status.PID))
	n.addrs = status.Network.Addrs
	return nil
}

// joined waits until the node knows other nodes and they can find it, or ctx ends.
func (n *realNode) joined(ctx context.Context) {
	for {
		s, err := n.stem.Ask(ctx)
		net := s.Network
		if err == nil && (net.DHT.Peers > 0 || len(n.flags) == 0) &&
			(net.DHT.Mode == "server" || len(net.Relays) > 0) {
			return
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return
		}
	}
}

// running reports whether the stem has been started and not ended.
func (n *realNode) running() bool { return n.pid.Load() != 0 }

// end ends the stem.
func (n *realNode) end(ctx context.Context, how func(local.Node, context.Context) error) error {
	if !n.running() {
		return nil
	}
	err := how(n.stem, ctx)
	if err == nil {
		n.wait()
	}
	return err
}

// wait waits for the stem, which is ending.
func (n *realNode) wait() {
	if pid := int(n.pid.Swap(0)); pid != 0 {
		if process, err := os.FindProcess(pid); err == nil {
			process.Wait() // fails if local.Node has waited already
		}
	}
}

// sent returns how many bytes have left the node by its uplink.
func (n *realNode) sent() (total uint64) {
	n.host.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/dev")
		for line := range strings.Lines(string(text)) {
			name, counts, _ := strings.Cut(line, ":")
			fields := strings.Fields(counts)
			if strings.TrimSpace(name) == "up0" && len(fields) > 8 {
				total, _ = strconv.ParseUint(fields[8], 10, 64)
			}
		}
		return err
	})
	return total
}
