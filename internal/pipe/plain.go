package pipe

import (
	"errors"
	"fmt"
	"net"
	"os"
)

// plain leaves out of a connection's error where its ends are, and says once what was
// done: a person reads it who asks why a call was cut.
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
