package doctor

import "golang.org/x/sys/unix"

// clockIsSet reports whether the kernel sees the clock as synchronized, by NTP or otherwise.
func clockIsSet() (set, known bool) {
	var now unix.Timex
	if _, err := unix.Adjtimex(&now); err != nil {
		return false, false
	}
	return now.Status&unix.STA_UNSYNC == 0, true
}
