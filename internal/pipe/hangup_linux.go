package pipe

import "golang.org/x/sys/unix"

// tellsHangup reports whether the kernel can tell a closed socket from a half-closed one.
const tellsHangup = true

func hungUp(fd uintptr) bool {
	ask := []unix.PollFd{{Fd: int32(fd)}}
	unix.Poll(ask, 0)
	return ask[0].Revents&unix.POLLHUP != 0
}
