package dna

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/textfile"
)

// file is the text form of Settings. What is not there is nil.
type file struct {
	Mode         *mode             `toml:"mode,omitempty"`
	Forward      *Target           `toml:"forward,omitempty"`
	Args         []string          `toml:"args,omitempty"`
	Env          map[string]string `toml:"env,omitempty"`
	Dir          *dir              `toml:"dir,omitempty"`
	Idle         *idle             `toml:"idle,omitempty"`
	Public       bool              `toml:"public,omitempty"`
	StartTimeout *timeout          `toml:"start_timeout,omitempty"`
}

// Read returns the cell's settings; without a file, the defaults. The error names the
// file, the line and the remedy.
func Read(h home.Home, cell address.Name) (Settings, error) {
	path := Path(h, cell)
	var f file
	if err := textfile.Read(path, &f); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Settings{}, err
	}
	key, err := f.contradiction(h, cell)
	if err == nil {
		key, err = f.badText()
	}
	if err != nil {
		return Settings{}, textfile.At(path, key, err)
	}
	return f.settings(), nil
}

// settings fills in the defaults.
func (f file) settings() Settings {
	s := Settings{Mode: Self, Args: f.Args, Public: f.Public, StartTimeout: DefaultStartTimeout}
	if f.Mode != nil {
		s.Mode = f.Mode.Mode
	}
	if f.Forward != nil {
		s.Mode, s.Target = Forward, *f.Forward
	}
	for _, key := range slices.Sorted(maps.Keys(f.Env)) {
		s.Env = append(s.Env, key+"="+f.Env[key])
	}
	if f.Dir != nil {
		s.Dir = f.Dir.path
	}
	if f.Idle != nil {
		s.Idle = f.Idle.Duration
	}
	if f.StartTimeout != nil {
		s.StartTimeout = f.StartTimeout.Duration
	}
	return s
}

// contradiction finds keys that can't hold together, and names the one to look at.
func (f file) contradiction(h home.Home, cell address.Name) (key string, err error) {
	if f.Forward == nil {
		return f.idleContradiction()
	}
	own, _ := h.Socket(cell) // one that does not fit is no target either
	switch {
	case f.Mode != nil:
		return "mode", errors.New("there is no program to start where calls are forwarded: remove mode, or forward")
	case f.Args != nil:
		return "args", errors.New("there is no program to start where calls are forwarded: remove args, or forward")
	case f.Env != nil:
		return "env", errors.New("there is no program to start where calls are forwarded: remove env, or forward")
	case f.Dir != nil:
		return "dir", errors.New("there is no program to start where calls are forwarded: remove dir, or forward")
	case exists(h.DNA(cell)):
		return "forward", fmt.Errorf("calls can't both be forwarded and go to the program at %s: remove one of them", h.DNA(cell))
	case f.Forward.Network == "unix" && filepath.Clean(f.Forward.Address) == own:
		return "forward", errors.New("this is the cell's own socket: name that of the server")
	}
	return "", nil
}

// idleContradiction: a wrapper that sees every call come and go can tell that there are
// none. In mode self there is no wrapper. In mode fd the program has taken the wrapper's
// place, so that LISTEN_PID is right, and accepts by itself: nobody else can tell how
// many calls it has.
func (f file) idleContradiction() (key string, err error) {
	switch {
	case f.Idle == nil:
		return "", nil
	case f.Mode == nil || f.Mode.Mode == Self:
		return "idle", errors.New("a program that binds its socket itself can't be watched: remove idle, and let it leave by itself, as with synapse.Idle")
	case f.Mode.Mode == FD:
		return "idle", errors.New("a program in mode fd takes its calls unseen: remove idle, and let it leave by itself")
	}
	return "", nil
}

// timeout, like the types below, is checked where it stands, so that an error can name
// its line. It is a struct since the decoder puts a number into any kind of number
// unchecked.
type timeout struct{ time.Duration }

func (t timeout) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func (t *timeout) UnmarshalText(text []byte) (err error) {
	t.Duration, err = duration(string(text), MaxStartTimeout)
	return err
}

type mode struct{ Mode }

func (m mode) MarshalText() ([]byte, error) { return []byte(m.Mode), nil }

func (m *mode) UnmarshalText(text []byte) (err error) {
	m.Mode, err = ParseMode(string(text))
	return err
}

type idle struct{ time.Duration }

// maxIdle is a bound against slips; whoever means never leaves idle out.
const maxIdle = 1000 * time.Hour

func (i idle) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

func (i *idle) UnmarshalText(text []byte) (err error) {
	i.Duration, err = duration(string(text), maxIdle)
	return err
}

func duration(text string, longest time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Millisecond || d > longest {
		return 0, fmt.Errorf("%q is not a duration from 1ms to %s, as in \"30s\"", text,
			strings.TrimSuffix(longest.String(), "0m0s"))
	}
	return d, nil
}

type dir struct{ path string }

func (d dir) MarshalText() ([]byte, error) { return []byte(d.path), nil }

func (d *dir) UnmarshalText(text []byte) error {
	if !filepath.IsAbs(string(text)) || strings.ContainsRune(string(text), 0) {
		return fmt.Errorf("%q is not a whole path, as in \"/srv/data\"", text)
	}
	d.path = filepath.Clean(string(text))
	return nil
}

// badText finds what can't be handed to a program.
func (f file) badText() (key string, err error) {
	for _, text := range f.Args {
		if strings.ContainsRune(text, 0) {
			return "args", fmt.Errorf("%q has a zero byte, where a program's text ends", text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Env)) {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			return "env", fmt.Errorf("%q can't be the name of an environment variable", name)
		case strings.HasPrefix(name, "CELL_") || strings.HasPrefix(name, "LISTEN_"):
			return "env", fmt.Errorf("%s is not for you to set: it tells the program who and where it is", name)
		case strings.ContainsRune(f.Env[name], 0):
			return "env", fmt.Errorf("%q has a zero byte, where a program's text ends", f.Env[name])
		}
	}
	return "", nil
}
