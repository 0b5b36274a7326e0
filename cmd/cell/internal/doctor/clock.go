package doctor

import (
	"io/fs"
	"path/filepath"
	"time"

	"github.com/cell-mesh/cell/internal/home"
)

// ahead is how far in the future a file may lie before it speaks against the clock: file
// systems elsewhere have clocks, too.
const ahead = 2 * time.Minute

// Clock checks the clock by what can be known without asking anyone: it can't be earlier
// than the program was built or a file of the home was written, and the kernel knows
// whether something sets it. That it is right is not known. Invites and keys expire by
// it.
func Clock(h home.Home, built, now time.Time) []Check {
	newest, path := newestFile(h)
	remedy := "sudo timedatectl set-ntp true"
	switch {
	case now.Before(built.Add(-24 * time.Hour)):
		return []Check{ok("clock", "it is %s here, and this program was built on %s",
			now.Format(time.DateTime), built.Format(time.DateTime)).bad(remedy)}
	case newest.After(now.Add(ahead)):
		return []Check{ok("clock", "it is %s here, and %s was written on %s: the clock is slow now, or was fast then",
			now.Format(time.DateTime), path, newest.Format(time.DateTime)).note(remedy)}
	}
	switch set, known := clockIsSet(); {
	case known && !set:
		return []Check{ok("clock", "nothing speaks against it, but nothing sets it either, as far as the kernel knows").note(remedy)}
	case known:
		return []Check{ok("clock", "the kernel says that it is being set")}
	}
	return []Check{ok("clock", "nothing speaks against it")}
}

// newestFile is the file of the home that was written last.
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
