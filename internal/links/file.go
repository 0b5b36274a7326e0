package links

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/textfile"
)

// Kept is one line of links.toml.
type Kept struct {
	Listen Listen
	To     address.Address
	key    string // as it is written
}

// Read returns the lines of a home's links.toml, sorted, and the errors of bad lines. err is set
// if the file as a whole is unreadable.
func Read(h home.Home) (kept []Kept, problems []error, err error) {
	lines, err := read(h)
	if err != nil {
		return nil, nil, err
	}
	seen := map[Listen]string{}
	for _, key := range slices.Sorted(maps.Keys(lines)) {
		line, err := parse(h, key, lines[key])
		if other, twice := seen[line.Listen]; err == nil && twice {
			err = fmt.Errorf("%q and %q are the same place: remove one of them", key, other)
		}
		if err != nil {
			problems = append(problems, textfile.At(h.Links(), key, err))
			continue
		}
		seen[line.Listen] = key
		kept = append(kept, line)
	}
	return kept, problems, nil
}

func parse(h home.Home, key string, value any) (k Kept, err error) {
	k.key = key
	if k.Listen, err = Of(h, key); err != nil {
		return k, err
	}
	text, ok := value.(string)
	if !ok {
		return k, fmt.Errorf("the value of %q must be an address, as in \"db@laptop\"", key)
	}
	if k.To, err = address.Parse(text); err != nil {
		return k, err
	}
	if k.Listen.any() {
		return k, fmt.Errorf("%q has no port: choose one", key)
	}
	return k, check(h, k.Listen, k.To)
}

// check returns why l cannot lead to the address.
func check(h home.Home, l Listen, to address.Address) error {
	network, at, err := l.In(h)
	switch {
	case err != nil:
		return err
	case !l.leads(to):
		return fmt.Errorf("%q is the link to %s and cannot lead elsewhere", l.text, l.link)
	case network == "unix" && !l.IsLink() && filepath.Dir(at) == h.RunDir():
		return fmt.Errorf("%q is in the folder for sockets of cells: choose another folder", l.text)
	}
	return nil
}

// Keep writes a line, so that the stem serves it from now on. It replaces the line of the same
// place.
func Keep(ctx context.Context, h home.Home, l Listen, to address.Address) error {
	_, err := edit(ctx, h, func(lines map[string]any) bool {
		drop(h, lines, l)
		lines[l.String()] = to.String()
		return true
	})
	return err
}

// Drop undoes Keep. dropped says whether there was a line.
func Drop(ctx context.Context, h home.Home, l Listen) (dropped bool, err error) {
	return edit(ctx, h, func(lines map[string]any) bool { return drop(h, lines, l) })
}

// drop removes the lines for l, in any spelling.
func drop(h home.Home, lines map[string]any, l Listen) bool {
	before := len(lines)
	maps.DeleteFunc(lines, func(key string, _ any) bool {
		other, err := Of(h, key)
		return err == nil && other == l
	})
	return len(lines) < before
}

// edit changes the file under a lock, so that two commands do not undo each other's changes.
// change says whether it changed anything.
func edit(ctx context.Context, h home.Home,
	change func(lines map[string]any) bool) (changed bool, err error) {
	lock, err := socket.WaitLock(ctx, h.Links()+".lock")
	if err != nil {
		return false, err
	}
	defer lock.Unlock()
	lines, err := read(h)
	if err != nil || !change(lines) {
		return false, err
	}
	return true, textfile.Write(h.Links(), lines)
}

func read(h home.Home) (map[string]any, error) {
	lines := map[string]any{}
	if err := textfile.Read(h.Links(), &lines); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return lines, nil
}
