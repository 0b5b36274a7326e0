//go:build !linux

package pipe

// tellsHangup is false where POLLHUP comes with either.
const tellsHangup = false

func hungUp(uintptr) bool { return false }
