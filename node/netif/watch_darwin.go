package netif

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openChanges opens a routing socket. Each read returns a change of routes, links or addresses.
func openChanges() (*os.File, error) {
	s, err := unix.Socket(unix.AF_ROUTE, unix.SOCK_RAW, unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	unix.CloseOnExec(s)
	if err := unix.SetNonblock(s, true); err != nil {
		unix.Close(s)
		return nil, err
	}
	return os.NewFile(uintptr(s), "interfaces"), nil
}

// isOverflow reports whether the socket dropped some changes, which is a change too.
func isOverflow(err error) bool { return errors.Is(err, unix.ENOBUFS) }
