// Package peers is the folder peers/: a text file for each peer with a petname, saying
// who it is and what it may reach here.
//
//	# peers/laptop.toml
//	id = "12D3KooW…"
//	cells = ["retina", "echo"]     # or ["*"] for every cell
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

// Peer is a machine the user has named.
type Peer struct {
	Petname address.Petname
	ID      address.ID
	Cells   Grant
	// At are multiaddrs where it was reached.
	At []address.Place
}

// Grant is what a peer may reach here. The zero Grant is nothing.
type Grant struct {
	// Any stands for every cell but the stem's own.
	Any   bool
	Names []address.Name
}

// Allows says whether the grant covers the cell.
func (g Grant) Allows(cell address.Name) bool {
	return g.Any && !cell.Reserved() || slices.Contains(g.Names, cell)
}

// Empty reports whether the grant covers nothing.
func (g Grant) Empty() bool { return !g.Any && len(g.Names) == 0 }

// Add widens the grant by another.
func (g *Grant) Add(more Grant) {
	g.Any = g.Any || more.Any
	for _, name := range more.Names {
		if !slices.Contains(g.Names, name) {
			g.Names = append(g.Names, name)
		}
	}
}

// ParseGrant reads a list of names, in which "*" stands for every cell.
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

// Words prints the grant as ParseGrant reads it.
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

// Unnamed makes the peer that has no file yet, with a petname made of the end of its ID.
func Unnamed(id address.ID) (Peer, error) {
	text := id.String()
	name, err := address.ParsePetname("peer-" + strings.ToLower(text[len(text)-8:]))
	return Peer{Petname: name, ID: id}, err
}

// file is the text form of a Peer.
type file struct {
	ID    address.ID `toml:"id" comment:"who it is: what \"cell id\" prints there"`
	Cells []word     `toml:"cells" comment:"the cells it may reach on this machine; \"*\" for every one"`
	At    []at       `toml:"addresses,omitempty" comment:"multiaddrs where it was reached; more are found when needed"`
}

// word is one word of a grant, checked where it stands so that an error can name its
// line. It is a struct since the decoder puts a string into any kind of string unchecked.
type word struct{ text string }

func (w word) MarshalText() ([]byte, error) { return []byte(w.text), nil }

func (w *word) UnmarshalText(text []byte) error {
	w.text = string(text)
	_, err := ParseGrant([]string{w.text})
	return err
}

// at is a place, checked where it stands.
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

// Read reads one peer's file. The error names the file.
func Read(path string) (Peer, error) {
	name, err := address.ParsePetname(strings.TrimSuffix(filepath.Base(path), ".toml"))
	if err != nil {
		return Peer{}, fmt.Errorf("%s: %w: rename the file", path, err)
	}
	if name.String()+".toml" != filepath.Base(path) {
		return Peer{}, fmt.Errorf("%s: petnames are in lower case: rename the file to %s.toml",
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

// Lock keeps others from changing the folder while one who holds it reads, decides and writes.
func Lock(ctx context.Context, h home.Home) (*socket.Lock, error) {
	return socket.WaitLock(ctx, filepath.Join(h.PeersDir(), "lock"))
}

// ReadAll reads the whole folder. A bad file is one of the errors and takes no other
// down; of two files with one ID, the second by name is an error.
func ReadAll(h home.Home) (all []Peer, problems []error) {
	paths, err := textfile.List(h.PeersDir())
	if err != nil {
		return nil, []error{err}
	}
	seen := map[address.ID]address.Petname{}
	for _, path := range paths {
		peer, err := Read(path)
		if other, twice := seen[peer.ID]; err == nil && twice {
			err = fmt.Errorf("%s: this peer is %s already: remove one of the two files", path,
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
	cells := []word{} // an empty list says more than a missing one
	for _, w := range p.Cells.Words() {
		cells = append(cells, word{w})
	}
	var places []at
	for _, place := range p.At {
		places = append(places, at{place})
	}
	return textfile.Write(h.Peer(p.Petname), file{p.ID, cells, places})
}

// RemoveAll removes every file of the peer: there may be more than one, copied by hand,
// of which one is in force.
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

// Remove removes the peer's file; it is no error if there is none.
func Remove(h home.Home, name address.Petname) error {
	if err := os.Remove(h.Peer(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
