// Package peers reads and writes the folder peers/: a text file for each peer with a petname, with
// its ID and its grant, which is what it may reach here.
//
//	# peers/laptop.toml
//	id = "12D3KooW…"
//	cells = ["retina", "echo"]     # or ["*"] for every cell
//
//	all, problems := peers.ReadAll(h)
//
// A bad file is reported with file, line and remedy, and does not affect the others. To decide by
// the grants is left to package gate.
package peers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/textfile"
)

// Peer is a peer with a petname.
type Peer struct {
	Petname address.Petname
	ID      address.ID
	Cells   Grant
	// At lists multiaddrs where it was reached.
	At []address.Place
}

// Grant says which cells a peer may reach here. The zero Grant covers none.
type Grant struct {
	// Any covers every cell except the reserved ones.
	Any   bool
	Names []address.Name
}

// Allows reports whether the grant covers the cell.
func (g Grant) Allows(cell address.Name) bool {
	return g.Any && !cell.Reserved() || slices.Contains(g.Names, cell)
}

// Empty reports whether the grant covers nothing.
func (g Grant) Empty() bool { return !g.Any && len(g.Names) == 0 }

// Add adds the cells of another grant.
func (g *Grant) Add(more Grant) {
	g.Any = g.Any || more.Any
	for _, name := range more.Names {
		if !slices.Contains(g.Names, name) {
			g.Names = append(g.Names, name)
		}
	}
}

// ParseGrant reads a list of names. "*" means every cell.
func ParseGrant(words []string) (Grant, error) {
	var g Grant
	for _, w := range words {
		if w == "*" {
			g.Any = true
			continue
		}
		name, err := address.ParseName(w)
		if err != nil {
			return Grant{}, err
		}
		if !slices.Contains(g.Names, name) {
			g.Names = append(g.Names, name)
		}
	}
	return g, nil
}

// Words returns the words that ParseGrant reads.
func (g Grant) Words() []string {
	words := []string{}
	if g.Any {
		words = append(words, "*")
	}
	for _, name := range g.Names {
		words = append(words, name.String())
	}
	return words
}

// Unnamed returns a peer without a file, with a petname made from the end of its ID.
func Unnamed(id address.ID) (Peer, error) {
	text := id.String()
	name, err := address.ParsePetname("peer-" + strings.ToLower(text[len(text)-8:]))
	return Peer{Petname: name, ID: id}, err
}

// file is the text form of a Peer.
type file struct {
	ID    address.ID `toml:"id" comment:"its peer ID: \"cell id\" prints it there"`
	Cells []word     `toml:"cells" comment:"the cells it may reach on this machine; \"*\" for every one"`
	At    []at       `toml:"addresses,omitempty" comment:"multiaddrs where it was reached; others are found when needed"`
}

// word is one word of a grant, checked by the decoder so that an error names the line. It is a
// struct, since go-toml (2.4) sets a named string without calling UnmarshalText.
type word struct{ text string }

func (w word) MarshalText() ([]byte, error) { return []byte(w.text), nil }

func (w *word) UnmarshalText(text []byte) error {
	w.text = string(text)
	_, err := ParseGrant([]string{w.text})
	return err
}

// at is a place, checked in the same way.
type at struct{ address.Place }

func (a at) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

func (a *at) UnmarshalText(text []byte) error {
	peer, err := address.ParsePeer(string(text))
	place, ok := peer.Place()
	if err == nil && !ok {
		err = fmt.Errorf("%q is not a multiaddr", text)
	}
	a.Place = place
	return err
}

// Read reads one peer's file. Errors name the file.
func Read(path string) (Peer, error) {
	name, err := address.ParsePetname(strings.TrimSuffix(filepath.Base(path), ".toml"))
	if err != nil {
		return Peer{}, fmt.Errorf("%s: %w: rename the file", path, err)
	}
	if name.String()+".toml" != filepath.Base(path) {
		return Peer{}, fmt.Errorf("%s: petnames are lower case: rename the file to %s.toml",
			path, name)
	}
	var f file
	if err := textfile.Read(path, &f); err != nil {
		return Peer{}, err
	}
	if f.ID.IsZero() {
		return Peer{}, fmt.Errorf("%s: no id: add the line id = \"12D3KooW…\"", path)
	}
	var words []string
	for _, w := range f.Cells {
		words = append(words, w.text)
	}
	var places []address.Place
	for _, a := range f.At {
		places = append(places, a.Place)
	}
	cells, err := ParseGrant(words)
	return Peer{name, f.ID, cells, places}, err
}

// Lock locks the folder, for a caller that reads, decides and then writes.
func Lock(ctx context.Context, h home.Home) (*socket.Lock, error) {
	return socket.WaitLock(ctx, filepath.Join(h.PeersDir(), "lock"))
}

// ReadAll reads the whole folder, and returns an error for each bad file. Of two files with one ID,
// the second by name is bad.
func ReadAll(h home.Home) (all []Peer, problems []error) {
	paths, err := textfile.List(h.PeersDir())
	if err != nil {
		return nil, []error{err}
	}
	seen := map[address.ID]address.Petname{}
	for _, path := range paths {
		peer, err := Read(path)
		if other, twice := seen[peer.ID]; err == nil && twice {
			err = fmt.Errorf("%s: the ID is also in %s.toml: remove one of the two files", path,
				other)
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		seen[peer.ID] = peer.Petname
		all = append(all, peer)
	}
	return all, problems
}

// Write creates or replaces the peer's file.
func Write(h home.Home, p Peer) error {
	cells := []word{} // write an empty list rather than no key
	for _, w := range p.Cells.Words() {
		cells = append(cells, word{w})
	}
	var places []at
	for _, place := range p.At {
		places = append(places, at{place})
	}
	return textfile.Write(h.Peer(p.Petname), file{p.ID, cells, places})
}

// RemoveAll removes every file of the peer. There may be copies, of which only one is in force.
func RemoveAll(h home.Home, id address.ID) error {
	paths, err := textfile.List(h.PeersDir())
	if err != nil {
		return err
	}
	for _, path := range paths {
		if peer, err := Read(path); err == nil && peer.ID == id {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// Remove removes the peer's file if there is one.
func Remove(h home.Home, name address.Petname) error {
	if err := os.Remove(h.Peer(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
