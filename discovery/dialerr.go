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

// maxTold bounds how many addresses an error names.
const maxTold = 4

// Brief makes one line of the error of a dial, of which libp2p makes many: each address,
// and why it failed.
func Brief(err error) error {
	var all *swarm.DialError
	switch {
	case errors.As(err, &all) && len(all.DialErrors) > 0:
	case errors.Is(err, context.DeadlineExceeded):
		return Root(err)
	case errors.As(err, &all) && all.Cause != nil:
		return all.Cause
	default:
		return errors.New(strings.Join(strings.Fields(err.Error()), " "))
	}
	var told []string
	for i, one := range all.DialErrors {
		if i == maxTold {
			told = append(told, fmt.Sprintf("%d more", len(all.DialErrors)-i))
			break
		}
		told = append(told, fmt.Sprintf("%s: %s", one.Address, Root(one.Cause)))
	}
	return errors.New(strings.Join(told, "; "))
}

// Root is the innermost error, without the addresses that every layer around it repeats,
// and in our words where libp2p's say little.
func Root(err error) error {
	var other sec.ErrPeerIDMismatch
	switch {
	case isSilence(err):
		return errors.New("no answer in time")
	case errors.Is(err, swarm.ErrGaterDisallowedConnection):
		return errors.New("private, and not in a network of this machine")
	case errors.As(err, &other):
		return fmt.Errorf("is %s", other.Actual)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.HasSuffix(err.Error(),
		syscall.ECONNRESET.Error()),
		strings.HasSuffix(err.Error(), syscall.EPIPE.Error()): // which libp2p does not always wrap
		return errors.New("hung up")
	case strings.Contains(err.Error(), "failed to negotiate security protocol"): // there is no better mark
		return errors.New("does not speak libp2p")
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// isSilence says whether the other one has not answered in time, or a connection has
// ended as there was nothing any more.
func isSilence(err error) bool {
	var slow interface{ Timeout() bool } // some of QUIC's unwrap to something else
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &slow) && slow.Timeout()
}
