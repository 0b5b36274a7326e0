package netif

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openChanges opens a netlink socket. Each read returns a change of links or addresses.
func openChanges() (*os.File, error) {
	s, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK,
		unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR)
	if err := unix.Bind(s, &unix.SockaddrNetlink{Family: unix.AF_NETLINK,
		Groups: groups}); err != nil {
		unix.Close(s)
		return nil, err
	}
	return os.NewFile(uintptr(s), "interfaces"), nil
}

// isOverflow reports whether the socket dropped some changes, which is a change too.
func isOverflow(err error) bool { return errors.Is(err, unix.ENOBUFS) }
