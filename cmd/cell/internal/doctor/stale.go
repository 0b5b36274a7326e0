package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
)

// Stale finds what killed processes left behind. up says whether a stem answers.
func Stale(h home.Home, up bool, now time.Time) []Check {
	checks := []Check{deadSockets(h), leftovers(h, now)}
	if !up {
		checks = append(checks, deadStem(h))
	}
	return checks
}

// deadSockets finds the sockets of cells that were killed. Their next start replaces them.
func deadSockets(h home.Home) Check {
	paths, _ := filepath.Glob(filepath.Join(h.RunDir(), "*.sock")) // errs only on a bad pattern
	var dead []string
	for _, path := range paths {
		if alive, err := socket.Alive(path); err == nil && !alive {
			dead = append(dead, path)
		}
	}
	c := ok("dead sockets", "none in %s", h.RunDir())
	if len(dead) > 0 {
		c.What = fmt.Sprintf("left by killed cells: %s; the next start of each cell replaces its "+
			"own",
			strings.Join(dead, ", "))
		return c.note("rm " + strings.Join(dead, " "))
	}
	return c
}

// leftoverAge is the age from which on a temporary file counts as left behind.
const leftoverAge = time.Minute

// leftovers finds temporary files of programs that were killed before renaming them.
func leftovers(h home.Home, now time.Time) Check {
	var left []string
	for _, pattern := range []string{".*", "*/.*"} {
		paths, _ := filepath.Glob(filepath.Join(h.String(), pattern)) // errs only on a bad pattern
		for _, path := range paths {
			info, err := os.Lstat(path)
			if err == nil && isTemporary(h, path) && now.Sub(info.ModTime()) > leftoverAge {
				left = append(left, path)
			}
		}
	}
	c := ok("temporary files", "none left behind")
	if len(left) > 0 {
		c.What = "left by killed programs: " + strings.Join(left, ", ")
		return c.note("rm -r " + strings.Join(left, " "))
	}
	return c
}

func isTemporary(h home.Home, path string) bool {
	if filepath.Dir(path) == h.RunDir() {
		return true // a socket before its first rename
	}
	for _, prefix := range []string{".new-", ".cache-", ".identity-", ".import-"} {
		if strings.HasPrefix(filepath.Base(path), prefix) {
			return true
		}
	}
	return false
}

// deadStem finds out why no stem answers: none runs, it was killed, or it hangs.
func deadStem(h home.Home) Check {
	if pid, held := lockHolder(h.StemLock()); held {
		return ok("stem", "process %d holds %s, but does not answer", pid,
			h.StemLock()).bad(fmt.Sprintf("kill %d, then cell up", pid))
	}
	if _, err := os.Stat(h.StemSocket()); err == nil {
		return ok("stem", "not running: the last one was killed; the next one replaces %s",
			h.StemSocket()).note("cell up")
	}
	return ok("stem", "not running").note("cell up")
}
