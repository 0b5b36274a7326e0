package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
)

// Home checks that only the user can access the home, and that paths of sockets fit.
func Home(h home.Home) []Check {
	info, err := os.Stat(h.String())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Check{ok("home", "%s does not exist yet", h).note("cell id")}
	case err != nil:
		return []Check{ok("home", "%v", err).bad("set CELL_HOME to a directory that you own")}
	}
	checks := []Check{homeMode(h, info), identityMode(h)}
	return append(checks, nameRoom(h))
}

func homeMode(h home.Home, info fs.FileInfo) Check {
	c := ok("home", "%s is private to you", h)
	switch {
	case !info.IsDir():
		c.What = fmt.Sprintf("%s is not a directory", h)
		return c.bad(fmt.Sprintf("mv %s %s.old", h, h))
	case info.Mode().Perm()&0o077 != 0:
		c.What = fmt.Sprintf("other users can access %s (mode %04o), so a stem refuses to start", h,
			info.Mode().Perm())
		return c.bad(fmt.Sprintf("chmod 700 %s", h))
	}
	return c
}

func identityMode(h home.Home) Check {
	c := ok("identity", "only you can read %s", h.IdentityKey())
	info, err := os.Stat(h.IdentityKey())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.What = "this machine has no key yet"
		return c.note("cell id")
	case err != nil:
		c.What = err.Error()
		return c.bad("restore the file from a backup, or remove it to get a new ID")
	case info.Mode().Perm()&0o077 != 0:
		c.What = fmt.Sprintf("other users can read %s (mode %04o)", h.IdentityKey(),
			info.Mode().Perm())
		return c.bad(fmt.Sprintf("chmod 600 %s", h.IdentityKey()))
	}
	return c
}

// nameRoom checks how long a cell's name may be: the path of a socket is limited.
func nameRoom(h home.Home) Check {
	room := home.MaxSocketPath - len(h.RunDir()) - len("/.sock")
	c := ok("socket paths", "cell names may have up to %d letters", min(room, address.MaxName))
	if room < address.MaxName {
		c.What = fmt.Sprintf("cell names may have only %d letters instead of %d: the path of a "+
			"socket "+
			"is limited to %d bytes, and %s is long", room, address.MaxName, home.MaxSocketPath,
			h.RunDir())
		return c.note("if you need longer names, set CELL_HOME to a shorter path")
	}
	return c
}
