//go:build !linux

package pipe

// tellsHangup is false, since POLLHUP is also set for a half-closed socket.
const tellsHangup = false

func hungUp(uintptr) bool { return false }
