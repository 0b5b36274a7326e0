//go:build linux

package natlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cell-mesh/cell/internal/socket"
)

// namespaces is where ip(8) keeps the namespaces that have a name.
const namespaces = "/run/netns"

// namespace is a network namespace, by the name that ip(8) knows it by.
type namespace string

func (n namespace) path() string { return filepath.Join(namespaces, string(n)) }

func (n namespace) add() error { return run("", "ip", "netns", "add", string(n)) }

// remove takes the name away. The namespace goes with the last program and the last open
// socket in it.
func (n namespace) remove() error {
	if _, err := os.Stat(n.path()); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return run("", "ip", "netns", "delete", string(n))
}

// ip runs commands of ip(8) inside, one a line.
func (n namespace) ip(lines ...string) error {
	return run(strings.Join(lines, "\n"), "ip", "-n", string(n), "-batch", "-")
}

// nft runs a script of nft(8) inside.
func (n namespace) nft(script string) error {
	return run(script, "ip", "netns", "exec", string(n), "nft", "-f", "-")
}

// sysctl sets kernel parameters inside, below net/, given as name=value.
func (n namespace) sysctl(settings ...string) error {
	return n.do(func() error {
		for _, setting := range settings {
			name, value, _ := strings.Cut(setting, "=")
			if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// do calls f on a thread that is inside. A socket stays in the namespace in which it was
// made, so f may return one to the world outside. What f starts with go is not inside.
func (n namespace) do(f func() error) error {
	runtime.LockOSThread()
	outside, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer outside.Close()
	inside, err := os.Open(n.path())
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer inside.Close()
	if err := unix.Setns(int(inside.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter namespace %s: %w", n, err)
	}
	defer func() {
		// A thread that can't go back stays locked, and so is never used for another goroutine.
		if unix.Setns(int(outside.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return f()
}

// addressWait is how long an address may take to be usable.
const addressWait = 5 * time.Second

// await returns when packets to an address inside are taken. For IPv6 the kernel sees to
// that in its own time, some microseconds after the address and its device are there, and
// tells nobody: so its routing table is read until it says so. IPv4 is ready when told.
func (n namespace) await(addr netip.Addr) error {
	if !addr.Is6() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), addressWait)
	defer cancel()
	entry := fmt.Appendf(nil, "%x 80 ", addr.As16())
	const local = "80200001" // flags: up, no next hop, and RTF_LOCAL
	return n.do(func() error {
		for {
			table, err := os.ReadFile("/proc/thread-self/net/ipv6_route")
			if err != nil {
				return err
			}
			for line := range bytes.Lines(table) {
				if bytes.HasPrefix(line, entry) && bytes.Contains(line, []byte(local)) {
					return nil
				}
			}
			if socket.Pause(ctx, time.Millisecond) != nil {
				return fmt.Errorf("address %s of %s can't be used after %v", addr, n, addressWait)
			}
		}
	})
}
