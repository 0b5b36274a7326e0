//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
)

// claim reserves a prefix for a lab of this process. It is a Unix socket with an abstract
// name, so the kernel ends it with the process. Namespaces without a claim are left over from
// a process that crashed.
type claim struct {
	prefix string
	socket *net.UnixListener
}

var errClaimed = errors.New("another lab has this prefix")

// labs counts the labs of this process, for their prefixes.
var labs atomic.Int64

func newClaim(prefix string) (*claim, error) {
	if prefix == "" {
		prefix = fmt.Sprintf("%d-%d", os.Getpid(), labs.Add(1))
	}
	if strings.Trim(prefix, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return nil, fmt.Errorf("prefix %q: only a-z, 0-9 and '-' are allowed", prefix)
	}
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: "@natlab/" + prefix})
	if errors.Is(err, syscall.EADDRINUSE) {
		err = errClaimed
	}
	if err != nil {
		return nil, fmt.Errorf("prefix %s: %w", prefix, err)
	}
	return &claim{prefix, socket}, nil
}

func (c *claim) release() error { return c.socket.Close() }

func (c *claim) namespace(name string) namespace {
	return namespace("natlab." + c.prefix + "." + name)
}

// sweep removes the namespaces of labs without a claim.
func sweep() error {
	paths, err := filepath.Glob(filepath.Join(namespaces, "natlab.*.*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range paths {
		left := namespace(filepath.Base(path))
		c, err := newClaim(strings.Split(string(left), ".")[1])
		if errors.Is(err, errClaimed) {
			continue
		}
		if err == nil {
			err = errors.Join(left.kill(), left.remove(), c.release())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
