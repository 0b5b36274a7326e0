package pipe

import (
	"errors"
	"fmt"
	"net"
	"os"
)

// plain shortens a connection's error for the user who asks why a call was cut: it drops
// the addresses, and names the operation once.
func plain(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	if sys := (*os.SyscallError)(nil); errors.As(op.Err, &sys) {
		return sys
	}
	return fmt.Errorf("%s: %w", op.Op, op.Err)
}
