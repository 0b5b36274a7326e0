package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
)

// Home checks the home: that it is its user's alone, and has room for sockets' names.
func Home(h home.Home) []Check {
	info, err := os.Stat(h.String())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Check{ok("home", "%s does not exist yet", h).note("cell id")}
	case err != nil:
		return []Check{ok("home", "%v", err).bad("set CELL_HOME to a directory of your own")}
	}
	checks := []Check{homeMode(h, info), identityMode(h)}
	return append(checks, nameRoom(h))
}

func homeMode(h home.Home, info fs.FileInfo) Check {
	c := ok("home", "%s is yours alone", h)
	switch {
	case !info.IsDir():
		c.What = fmt.Sprintf("%s is not a directory", h)
		return c.bad(fmt.Sprintf("mv %s %s.old", h, h))
	case info.Mode().Perm()&0o077 != 0:
		c.What = fmt.Sprintf("%s is open to other users (mode %04o): no stem starts there", h,
			info.Mode().Perm())
		return c.bad(fmt.Sprintf("chmod 700 %s", h))
	}
	return c
}

func identityMode(h home.Home) Check {
	c := ok("identity", "%s is readable by you alone", h.IdentityKey())
	info, err := os.Stat(h.IdentityKey())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.What = "this machine has no key yet"
		return c.note("cell id")
	case err != nil:
		c.What = err.Error()
		return c.bad("restore the file from a copy, or remove it: then this machine gets another ID")
	case info.Mode().Perm()&0o077 != 0:
		c.What = fmt.Sprintf("%s can be read by other users (mode %04o)", h.IdentityKey(),
			info.Mode().Perm())
		return c.bad(fmt.Sprintf("chmod 600 %s", h.IdentityKey()))
	}
	return c
}

// nameRoom checks how long a cell's name may be: the path of its socket has few bytes.
func nameRoom(h home.Home) Check {
	room := home.MaxSocketPath - len(h.RunDir()) - len("/.sock")
	c := ok("socket paths", "a cell's name may have %d letters", min(room, address.MaxName))
	if room < address.MaxName {
		c.What = fmt.Sprintf("a cell's name may have %d letters instead of %d: %s takes the rest of the %d bytes that the path of a socket may have",
			room, address.MaxName, h.RunDir(), home.MaxSocketPath)
		return c.note("set CELL_HOME to a shorter path, if names are longer")
	}
	return c
}
