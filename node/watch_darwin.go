package node

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// interfaceNews opens a routing socket; each read is some change of routes, links or addresses.
func interfaceNews() (*os.File, error) {
	s, err := unix.Socket(unix.AF_ROUTE, unix.SOCK_RAW, unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	unix.CloseOnExec(s)
	if err := unix.SetNonblock(s, true); err != nil {
		unix.Close(s)
		return nil, err
	}
	return newsFile(s), nil
}

// lostSome says that there was more news than the socket holds: news, too.
func lostSome(err error) bool { return errors.Is(err, unix.ENOBUFS) }
