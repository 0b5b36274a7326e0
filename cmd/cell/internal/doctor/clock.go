package doctor

import (
	"io/fs"
	"path/filepath"
	"time"

	"github.com/cell-mesh/cell/internal/home"
)

// ahead is how far in the future a file's time may be. Network file systems set the time by
// another clock.
const ahead = 2 * time.Minute

// Clock checks the clock, by which invites and keys expire, without the network: it must
// not be earlier than this program's build or the newest file in the home, and the kernel
// knows whether the clock is synchronized. It can't prove that the clock is right.
func Clock(h home.Home, built, now time.Time) []Check {
	newest, path := newestFile(h)
	remedy := "sudo timedatectl set-ntp true"
	switch {
	case now.Before(built.Add(-24 * time.Hour)):
		return []Check{ok("clock", "the clock says %s, but this program was built on %s",
			now.Format(time.DateTime), built.Format(time.DateTime)).bad(remedy)}
	case newest.After(now.Add(ahead)):
		return []Check{ok("clock", "the clock says %s, but %s was written on %s: "+
			"the clock is slow now, or was fast then", now.Format(time.DateTime), path,
			newest.Format(time.DateTime)).note(remedy)}
	}
	switch set, known := clockIsSet(); {
	case known && !set:
		c := ok("clock", "the clock is not synchronized; it shows no error so far")
		return []Check{c.note(remedy)}
	case known:
		return []Check{ok("clock", "synchronized")}
	}
	return []Check{ok("clock", "no error found")}
}

// newestFile is the file in the home that was written last.
func newestFile(h home.Home) (newest time.Time, path string) {
	filepath.WalkDir(h.String(), func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		if info, err := entry.Info(); err == nil && info.ModTime().After(newest) {
			newest, path = info.ModTime(), at
		}
		return nil
	})
	return newest, path
}
