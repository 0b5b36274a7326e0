package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// maxNamedAddrs bounds how many addresses an error names.
const maxNamedAddrs = 4

// Brief puts the error of a dial, for which libp2p writes many lines, on one: each
// address and why it failed.
func Brief(err error) error {
	all, ok := errors.AsType[*swarm.DialError](err)
	switch {
	case ok && len(all.DialErrors) > 0:
	case errors.Is(err, context.DeadlineExceeded):
		return Root(err)
	case ok && all.Cause != nil:
		return all.Cause
	default:
		return errors.New(strings.Join(strings.Fields(err.Error()), " "))
	}
	var reasons []string
	for i, one := range all.DialErrors {
		if i == maxNamedAddrs {
			reasons = append(reasons, fmt.Sprintf("%d more", len(all.DialErrors)-i))
			break
		}
		reasons = append(reasons, fmt.Sprintf("%s: %s", one.Address, Root(one.Cause)))
	}
	return errors.New(strings.Join(reasons, "; "))
}

// Root returns the innermost error, without the addresses that each layer around it
// repeats, and in our words where those of libp2p say little.
func Root(err error) error {
	switch {
	case isTimeout(err):
		return errors.New("no answer in time")
	case errors.Is(err, swarm.ErrGaterDisallowedConnection):
		return errors.New("private, and not in a network of this machine")
	case isHangUp(err):
		return errors.New("hung up")
	// there is no typed error for it
	case strings.Contains(err.Error(), "failed to negotiate security protocol"):
		return errors.New("does not speak libp2p")
	}
	if other, ok := errors.AsType[sec.ErrPeerIDMismatch](err); ok {
		return fmt.Errorf("is %s", other.Actual)
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// isHangUp reports whether the other side closed the connection. libp2p does not always
// wrap the system's error.
func isHangUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.HasSuffix(err.Error(), syscall.ECONNRESET.Error()) ||
		strings.HasSuffix(err.Error(), syscall.EPIPE.Error())
}

// isTimeout reports whether the other side did not answer in time. Some of QUIC's
// timeouts unwrap to something else.
func isTimeout(err error) bool {
	slow, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && slow.Timeout()
}
