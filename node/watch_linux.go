package node

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// interfaceNews opens a netlink socket; each read is some change of links or addresses.
func interfaceNews() (*os.File, error) {
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
	return newsFile(s), nil
}

// lostSome says that there was more news than the socket holds: news, too.
func lostSome(err error) bool { return errors.Is(err, unix.ENOBUFS) }
