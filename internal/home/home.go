// Package home knows every path in the home directory, ~/.cell:
//
//	h, err := home.Default()
//	...
//	path, err := h.Socket(name) // ~/.cell/run/NAME.sock
//
// The file system is the only registry of cells. So the paths are part of the protocol
// between the stem, the cells and the SDKs, and only this package defines them.
package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cell-mesh/cell/internal/address"
)

// Home is the directory with all the files of one stem.
type Home struct{ dir string }

// Default returns the home in $CELL_HOME or, if that is empty, ~/.cell. No other function
// reads $CELL_HOME.
func Default() (Home, error) {
	if dir := os.Getenv("CELL_HOME"); dir != "" {
		return At(dir)
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return Home{}, fmt.Errorf("no home directory: set CELL_HOME to one: %w", err)
	}
	return At(filepath.Join(user, ".cell"))
}

// IsDefault reports whether this is the home that is used without $CELL_HOME.
func (h Home) IsDefault() bool {
	user, err := os.UserHomeDir()
	return err == nil && h.dir == filepath.Join(user, ".cell")
}

// shortName is the length of a name that must fit in any home.
const shortName = 16

// At returns the home at dir, which need not exist. It fails if dir is too long for the path
// of stem.sock, or of the socket of a 16-letter name.
func At(dir string) (Home, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, fmt.Errorf("home %s: %w", dir, err)
	}
	longest := len(filepath.Join(abs, "run")) + 1 + shortName + len(".sock")
	if longest > MaxSocketPath {
		return Home{}, fmt.Errorf("home %s is too long by %d bytes for a socket path of at most "+
			"%d: set CELL_HOME to a shorter one",
			abs, longest-MaxSocketPath, MaxSocketPath)
	}
	return Home{abs}, nil
}

// MaxSocketPath is the maximum length of a Unix socket's path in bytes: the size of sun_path
// without the final zero, which is 107 on Linux and 103 on macOS.
const MaxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// Make creates the missing directories of the home with mode 0700. It fails if one belongs to
// another user, if the home is open to other users, or if they could write to a directory in
// it. That they could read one does not matter, since the home keeps them out.
func (h Home) Make() error {
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return fmt.Errorf("make home: %w", err)
	}
	for _, dir := range []string{h.dir, h.RunDir(), h.DNADir(), h.PeersDir(), h.InvitesDir(),
		h.LogDir(), h.CacheDir()} {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make home: %w", err)
		}
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("make home: %w", err)
		}
		open := fs.FileMode(0o022)
		if dir == h.dir {
			open = 0o077
		}
		if err := private(dir, info, open); err != nil {
			return err
		}
	}
	return nil
}

// private checks that a directory is the user's own, and has no bit of open in its mode.
func private(dir string, info fs.FileInfo, open fs.FileMode) error {
	switch uid, known := owner(info); {
	case !info.IsDir():
		return fmt.Errorf("home: %s is not a directory: move it away, or set CELL_HOME", dir)
	case known && uid != os.Geteuid():
		return fmt.Errorf("home: %s belongs to user %d, not to you: "+
			"set CELL_HOME to a directory of your own", dir, uid)
	case info.Mode().Perm()&open != 0:
		return fmt.Errorf("home: %s is open to other users: run \"chmod 700 %s\"", dir, dir)
	}
	return nil
}

func (h Home) String() string { return h.dir }

// IdentityKey holds this machine's private key, mode 0600.
func (h Home) IdentityKey() string { return filepath.Join(h.dir, "identity.key") }

// StemConfig is the optional file with the flags of `cell up`.
func (h Home) StemConfig() string { return filepath.Join(h.dir, "stem.toml") }

// StemSocket is where the stem listens.
func (h Home) StemSocket() string { return filepath.Join(h.dir, "stem.sock") }

// StemLock is held by the running stem, so that a home has only one.
func (h Home) StemLock() string { return filepath.Join(h.dir, "stem.lock") }

// RunDir holds the sockets of the running cells.
func (h Home) RunDir() string { return filepath.Join(h.dir, "run") }

// Socket is where the cell listens. It fails if the path is too long for a socket.
func (h Home) Socket(cell address.Name) (string, error) {
	return h.socket(cell.String())
}

// Link is the local socket that leads to a cell of a peer. It has an @ in its name, which the
// sockets of cells have not. The peer must not be a multiaddr, since it becomes part of a
// file name. It fails like Socket.
func (h Home) Link(to address.Address) (string, error) {
	return h.socket(to.Cell.String() + "@" + to.Peer.String())
}

func (h Home) socket(name string) (string, error) {
	path := filepath.Join(h.RunDir(), name+".sock")
	if len(path) > MaxSocketPath {
		return "", fmt.Errorf("socket path %s has %d bytes, the limit is %d: "+
			"use a shorter name or a shorter CELL_HOME", path, len(path), MaxSocketPath)
	}
	return path, nil
}

// Lock is held while the cell's socket is checked, removed and bound.
func (h Home) Lock(cell address.Name) string {
	return filepath.Join(h.RunDir(), cell.String()+".lock")
}

// DNADir holds the executables from which cells are started.
func (h Home) DNADir() string { return filepath.Join(h.dir, "dna") }

// DNA is the executable of the cell.
func (h Home) DNA(cell address.Name) string { return filepath.Join(h.DNADir(), cell.String()) }

// PeersDir holds a file for each peer that has a petname.
func (h Home) PeersDir() string { return filepath.Join(h.dir, "peers") }

// Peer is the file of one peer: its ID, and the cells that it may call.
func (h Home) Peer(name address.Petname) string {
	return filepath.Join(h.PeersDir(), name.String()+".toml")
}

// InvitesDir holds a file for each invite that can still be used.
func (h Home) InvitesDir() string { return filepath.Join(h.dir, "invites") }

// Invite is the file of one invite, with its secret.
func (h Home) Invite(id string) string { return filepath.Join(h.InvitesDir(), id+".toml") }

// Places records which peer first answered at an IP address or DNS name.
func (h Home) Places() string { return filepath.Join(h.dir, "places.toml") }

// Links holds the permanent links and forwards.
func (h Home) Links() string { return filepath.Join(h.dir, "links.toml") }

// Revoked lists the keys that were revoked before they expired.
func (h Home) Revoked() string { return filepath.Join(h.dir, "revoked.toml") }

// Calls has a line for each call to or from another machine.
func (h Home) Calls() string { return filepath.Join(h.LogDir(), "calls.jsonl") }

// LogDir holds the output of the cells.
func (h Home) LogDir() string { return filepath.Join(h.dir, "log") }

// Log is the output of one cell.
func (h Home) Log(cell address.Name) string {
	return filepath.Join(h.LogDir(), cell.String()+".log")
}

// CacheDir may be deleted at any time.
func (h Home) CacheDir() string { return filepath.Join(h.dir, "cache") }
