package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/node"
)

// furnish makes the node's home: its key, and its cells, which everybody may call.
func (m *machine) furnish() error {
	h := m.home.Home
	if err := h.Make(); err != nil {
		return err
	}
	identity, err := node.LoadIdentity(h.IdentityKey())
	if err != nil {
		return err
	}
	m.id = identity.ID().String()
	for text, cell := range m.Cells {
		name, err := address.ParseName(text)
		if err != nil {
			return err
		}
		if err := putDNA(h.DNA(name), cell); err != nil {
			return err
		}
	}
	return nil
}

// putDNA writes the program of a cell and how it is started. But for dna, it is a line of
// shell for each call.
func putDNA(path string, cell Cell) error {
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

// bootstrap is what others are told so that they find the mesh: the flags for the public
// addresses of the node.
func (m *machine) bootstrap() (flags []string) {
	for _, addr := range m.addrs {
		if strings.Contains(addr, "/"+m.host.Addr.String()+"/") ||
			strings.Contains(addr, "/"+m.host.Addr6.String()+"/") {
			flags = append(flags, "--bootstrap", addr)
		}
	}
	return flags
}

// start runs the node's stem, and returns when it answers.
func (m *machine) start(ctx context.Context, cell string) error {
	said, err := os.OpenFile(m.home.Home.String()+"/up.log", os.O_CREATE|os.O_APPEND|os.O_RDWR,
		0o600)
	if err != nil {
		return err
	}
	defer said.Close()
	cmd := m.host.Command(context.Background(), cell,
		append([]string{"up", "--mesh", "testnet"}, m.boot...)...)
	cmd.Env = append(os.Environ(), "CELL_HOME="+m.home.Home.String())
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	m.setPID(pid)
	cmd.Process.Release() // it is waited for by its number
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		s, err := m.home.Ask(ctx)
		if err == nil {
			m.addrs = s.Network.Addrs
			return nil
		}
		var status syscall.WaitStatus
		if got, _ := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); got == pid {
			m.setPID(0)
			text, _ := os.ReadFile(said.Name())
			return fmt.Errorf("%s: its stem ended at its start: exit status %d\n%s", m.Name,
				status.ExitStatus(), strings.TrimSpace(string(text)))
		}
		if socket.Pause(ctx, pause) != nil {
			return fmt.Errorf("%s: its stem does not answer: %w", m.Name, err)
		}
	}
}

// joined waits until the node knows others and can be found by them, or ctx ends.
func (m *machine) joined(ctx context.Context) error {
	for {
		s, err := m.home.Ask(ctx)
		n := s.Network
		if err == nil && (n.DHT.Peers > 0 || len(m.boot) == 0) &&
			(n.DHT.Mode == "server" || len(n.Relays) > 0) {
			return nil
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return nil // who waits looks at ctx
		}
	}
}

func (m *machine) setPID(pid int) { m.pid.Store(int64(pid)) }

// runs says whether the node's stem has been started and not ended.
func (m *machine) runs() bool { return m.pid.Load() != 0 }

// end ends the stem.
func (m *machine) end(ctx context.Context, how func(context.Context) error) error {
	if !m.runs() {
		return nil
	}
	err := how(ctx)
	if err == nil {
		m.reap()
	}
	return err
}

// reap waits for the stem, which has ended or been killed.
func (m *machine) reap() {
	if pid := int(m.pid.Swap(0)); pid != 0 {
		for {
			if _, err := syscall.Wait4(pid, nil, 0, nil); err != syscall.EINTR {
				return
			}
		}
	}
}
