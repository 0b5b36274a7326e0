package process

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// From <linux/sock_diag.h> and <linux/unix_diag.h>; package syscall lacks them.
const (
	netlinkSockDiag  = 4
	sockDiagByFamily = 20
	unixDiagVFS      = 1 // the attribute with the file that a socket is bound to
	tcpListen        = 10
	udiagShowVFS     = 2
)

// owner returns the process that holds the listening socket of a file, or 0. Connecting to
// the socket would look like a call to the cell, and its peer credentials name the process
// that called listen(2), which may have forked and ended since.
func owner(path string, info fs.FileInfo) int {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	inode, err := listeningAt(stat)
	if err != nil || inode == 0 {
		return 0
	}
	return holder(inode)
}

// listeningAt asks the kernel for the inode of the listening socket that is bound to a
// file. It compares files and not paths, because sockets are renamed after they are bound.
func listeningAt(file *syscall.Stat_t) (inode uint32, err error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC,
		netlinkSockDiag)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(fd)
	request := make([]byte, syscall.NLMSG_HDRLEN+24) // a struct unix_diag_req behind the header
	order := binary.NativeEndian
	order.PutUint32(request[0:], uint32(len(request)))
	order.PutUint16(request[4:], sockDiagByFamily)
	order.PutUint16(request[6:], syscall.NLM_F_REQUEST|syscall.NLM_F_DUMP)
	request[16] = syscall.AF_UNIX
	order.PutUint32(request[20:], 1<<tcpListen)
	order.PutUint32(request[28:], udiagShowVFS)
	kernel := &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}
	if err := syscall.Sendto(fd, request, 0, kernel); err != nil {
		return 0, err
	}
	answer := make([]byte, 64<<10)
	for {
		n, _, err := syscall.Recvfrom(fd, answer, 0)
		if err != nil {
			return 0, err
		}
		messages, err := syscall.ParseNetlinkMessage(answer[:n])
		if err != nil {
			return 0, err
		}
		for _, m := range messages {
			if m.Header.Type != sockDiagByFamily {
				return 0, nil // the end, or an error
			}
			if boundTo(m.Data, file) {
				return order.Uint32(m.Data[4:]), nil
			}
		}
	}
}

// boundTo parses a struct unix_diag_msg of 16 bytes and the attributes behind it.
func boundTo(message []byte, file *syscall.Stat_t) bool {
	order := binary.NativeEndian
	for rest := message[min(16, len(message)):]; len(rest) >= 4; {
		length, kind := int(order.Uint16(rest)), order.Uint16(rest[2:])
		if length < 4 || length > len(rest) {
			return false
		}
		if kind == unixDiagVFS && length >= 12 {
			return order.Uint32(rest[4:]) == uint32(file.Ino) &&
				order.Uint32(rest[8:]) == kernelDev(uint64(file.Dev))
		}
		rest = rest[min((length+3)&^3, len(rest)):]
	}
	return false
}

// kernelDev converts a device number to the kernel's form: 12 bits of major, 20 of minor.
func kernelDev(dev uint64) uint32 {
	major := dev >> 8 & 0xfff
	minor := dev&0xff | dev>>12&0xfff00
	return uint32(major<<20 | minor)
}

// holder returns the process that has a socket open. If children have inherited it, it
// returns the oldest process.
func holder(inode uint32) (pid int) {
	want := fmt.Sprintf("socket:[%d]", inode)
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*") // those of other users are not readable
	var first uint64
	for _, link := range links {
		if text, err := os.Readlink(link); err != nil || text != want {
			continue
		}
		var candidate int
		fmt.Sscanf(link, "/proc/%d/", &candidate)
		if began := startOf(candidate); began != 0 && (pid == 0 || began < first) {
			pid, first = candidate, began
		}
	}
	return pid
}
