//go:build linux

package natlab

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// flushConntrack makes the kernel forget all connections, and so all translations, of the
// current namespace. Like "conntrack -F", it sends a netlink request to delete connections
// that names none.
func flushConntrack() error {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC,
		unix.NETLINK_NETFILTER)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(socket)
	const deleteConnection = 2 // IPCTNL_MSG_CT_DELETE
	request := struct {
		unix.NlMsghdr
		unix.Nfgenmsg
	}{NlMsghdr: unix.NlMsghdr{
		Type:  unix.NFNL_SUBSYS_CTNETLINK<<8 | deleteConnection,
		Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK,
	}}
	request.Len = uint32(unsafe.Sizeof(request))
	message := (*[unsafe.Sizeof(request)]byte)(unsafe.Pointer(&request))[:]
	if err := unix.Sendto(socket, message, 0,
		&unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(socket, answer, 0)
	if err != nil {
		return os.NewSyscallError("recvfrom", err)
	}
	messages, err := syscall.ParseNetlinkMessage(answer[:n])
	if err != nil || len(messages) != 1 || messages[0].Header.Type != unix.NLMSG_ERROR {
		return fmt.Errorf("flush connections: unexpected answer %x: %w", answer[:n], err)
	}
	if code := *(*int32)(unsafe.Pointer(&messages[0].Data[0])); code != 0 {
		return fmt.Errorf("flush connections: %w", syscall.Errno(-code))
	}
	return nil
}
