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

// claim is the right to a prefix. The kernel takes it back when the process ends, however
// it ends: it is a Unix socket with an abstract name. So namespaces whose prefix is not
// claimed belong to nobody.
type claim struct {
	prefix string
	socket *net.UnixListener
}

var errClaimed = errors.New("there is a lab with this prefix")

// labs counts the labs of this process, for prefixes.
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

// namespace is that of the machine with a name.
func (c *claim) namespace(name string) namespace {
	return namespace("natlab." + c.prefix + "." + name)
}

// sweep removes the namespaces of labs that nobody claims.
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
