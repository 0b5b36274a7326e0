package doctor

import "golang.org/x/sys/unix"

// clockIsSet says whether something sets the clock, by NTP or otherwise, as far as the
// kernel knows.
func clockIsSet() (set, known bool) {
	var now unix.Timex
	if _, err := unix.Adjtimex(&now); err != nil {
		return false, false
	}
	return now.Status&unix.STA_UNSYNC == 0, true
}
