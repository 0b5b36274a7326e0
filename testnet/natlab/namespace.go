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

// namespaces is where ip(8) keeps named namespaces.
const namespaces = "/run/netns"

// namespace is the name of a network namespace, as ip(8) knows it.
type namespace string

func (n namespace) path() string { return filepath.Join(namespaces, string(n)) }

func (n namespace) add() error { return run("", "ip", "netns", "add", string(n)) }

// remove removes the name. The namespace goes with its last program and socket.
func (n namespace) remove() error {
	if _, err := os.Stat(n.path()); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return run("", "ip", "netns", "delete", string(n))
}

// ip runs commands of ip(8) in the namespace.
func (n namespace) ip(lines ...string) error {
	return run(strings.Join(lines, "\n"), "ip", "-n", string(n), "-batch", "-")
}

// nft runs a script of nft(8) in the namespace.
func (n namespace) nft(script string) error {
	return run(script, "ip", "netns", "exec", string(n), "nft", "-f", "-")
}

// sysctl sets kernel parameters of the namespace below net/, given as name=value.
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

// do calls f on a thread in the namespace. Sockets that f makes stay in it; goroutines that f
// starts are not in it.
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
		// A thread that can't go back stays locked, so that no other goroutine runs on it.
		if unix.Setns(int(outside.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return f()
}

// addressTimeout bounds how long an address may take to work.
const addressTimeout = 5 * time.Second

// await waits until an address of the namespace works. IPv4 addresses do at once. For IPv6
// the kernel takes some microseconds more and sends no event, so await polls its routing
// table.
func (n namespace) await(addr netip.Addr) error {
	if !addr.Is6() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), addressTimeout)
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
				return fmt.Errorf("address %s of %s does not work within %v", addr, n,
					addressTimeout)
			}
		}
	})
}
