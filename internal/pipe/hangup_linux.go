package pipe

import "golang.org/x/sys/unix"

// tellsHangup says whether the kernel tells a socket that is closed from one whose
// writing side has ended.
const tellsHangup = true

func hungUp(fd uintptr) bool {
	ask := []unix.PollFd{{Fd: int32(fd)}}
	unix.Poll(ask, 0)
	return ask[0].Revents&unix.POLLHUP != 0
}
