// Package home is ~/.cell as a value: every path in it, with its mode and its length.
//
// The file system is cell's only registry, so where a file lies is part of the protocol
// between the stem, the cells and the SDK; this is the one place that knows.
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

// Home is the directory that everything of one stem lives in.
type Home struct{ dir string }

// Default returns the home that $CELL_HOME names, or else ~/.cell. This is where
// $CELL_HOME is read.
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

// IsDefault says whether this is the home of those who set no $CELL_HOME.
func (h Home) IsDefault() bool {
	user, err := os.UserHomeDir()
	return err == nil && h.dir == filepath.Join(user, ".cell")
}

// shortName stands for the names that any home must have room for.
const shortName = 16

// At returns the home at dir, which need not exist. It refuses a dir so long that
// stem.sock or the socket of a 16-letter name would not fit in a socket address.
func At(dir string) (Home, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, fmt.Errorf("home %s: %w", dir, err)
	}
	longest := len(filepath.Join(abs, "run")) + 1 + shortName + len(".sock")
	if longest > MaxSocketPath {
		return Home{}, fmt.Errorf("home %s is too long by %d bytes for a socket path of at most %d: set CELL_HOME to a shorter one",
			abs, longest-MaxSocketPath, MaxSocketPath)
	}
	return Home{abs}, nil
}

// MaxSocketPath is how many bytes the path of a Unix socket may have: sun_path less its final zero,
// 107 on Linux and 103 on macOS.
const MaxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// Make creates what is missing of the home's directories, for this user alone. It refuses
// a home that belongs to somebody else or is open to others.
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
		if err := private(dir, info); err != nil {
			return err
		}
	}
	return nil
}

func private(dir string, info fs.FileInfo) error {
	switch uid, known := owner(info); {
	case !info.IsDir():
		return fmt.Errorf("home: %s is not a directory: move it away, or set CELL_HOME", dir)
	case known && uid != os.Geteuid():
		return fmt.Errorf("home: %s belongs to user %d, not to you: set CELL_HOME to a directory of your own", dir, uid)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("home: %s is open to other users: run \"chmod 700 %s\"", dir, dir)
	}
	return nil
}

func (h Home) String() string { return h.dir }

// IdentityKey holds this machine's private key, mode 0600.
func (h Home) IdentityKey() string { return filepath.Join(h.dir, "identity.key") }

// StemConfig holds the flags of `cell up`; it is optional.
func (h Home) StemConfig() string { return filepath.Join(h.dir, "stem.toml") }

// StemSocket is the stem's door.
func (h Home) StemSocket() string { return filepath.Join(h.dir, "stem.sock") }

// StemLock is held by the one stem that may live here.
func (h Home) StemLock() string { return filepath.Join(h.dir, "stem.lock") }

// RunDir holds the sockets of the running cells.
func (h Home) RunDir() string { return filepath.Join(h.dir, "run") }

// Socket is where the cell listens. It fails, naming both lengths, if the path has no
// room in a socket address.
func (h Home) Socket(cell address.Name) (string, error) {
	return h.socket(cell.String())
}

// Link is the socket that leads to a cell elsewhere; the @ in its name tells it from
// those of cells. The peer is one that a file may be called after: no multiaddr. It fails
// as Socket does.
func (h Home) Link(to address.Address) (string, error) {
	return h.socket(to.Cell.String() + "@" + to.Peer.String())
}

func (h Home) socket(name string) (string, error) {
	path := filepath.Join(h.RunDir(), name+".sock")
	if len(path) > MaxSocketPath {
		return "", fmt.Errorf("socket path %s has %d bytes, the limit is %d: use a shorter name or a shorter CELL_HOME",
			path, len(path), MaxSocketPath)
	}
	return path, nil
}

// Lock is held while the cell's socket is checked, removed and bound.
func (h Home) Lock(cell address.Name) string {
	return filepath.Join(h.RunDir(), cell.String()+".lock")
}

// DNADir is the store of executables that wait to be germinated.
func (h Home) DNADir() string { return filepath.Join(h.dir, "dna") }

// DNA is the executable that becomes the cell.
func (h Home) DNA(cell address.Name) string { return filepath.Join(h.DNADir(), cell.String()) }

// PeersDir holds a file for each peer that has a petname.
func (h Home) PeersDir() string { return filepath.Join(h.dir, "peers") }

// Peer says what a peer may reach here.
func (h Home) Peer(name address.Petname) string {
	return filepath.Join(h.PeersDir(), name.String()+".toml")
}

// InvitesDir holds a file for each invite that was printed and may still be used.
func (h Home) InvitesDir() string { return filepath.Join(h.dir, "invites") }

// Invite is one invite, with its secret.
func (h Home) Invite(id string) string { return filepath.Join(h.InvitesDir(), id+".toml") }

// Places holds who answered at an IP address or DNS name the first time.
func (h Home) Places() string { return filepath.Join(h.dir, "places.toml") }

// Links holds the links and forwards that are kept.
func (h Home) Links() string { return filepath.Join(h.dir, "links.toml") }

// Revoked lists the keys that were taken back before they expired.
func (h Home) Revoked() string { return filepath.Join(h.dir, "revoked.toml") }

// Calls is a line for each call to or from another machine.
func (h Home) Calls() string { return filepath.Join(h.LogDir(), "calls.jsonl") }

// LogDir holds what the cells print.
func (h Home) LogDir() string { return filepath.Join(h.dir, "log") }

// Log holds what one cell printed.
func (h Home) Log(cell address.Name) string {
	return filepath.Join(h.LogDir(), cell.String()+".log")
}

// CacheDir may be deleted at any time.
func (h Home) CacheDir() string { return filepath.Join(h.dir, "cache") }
