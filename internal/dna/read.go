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

// file is the text form of Settings. A missing key is nil.
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

// Read returns the cell's settings, or the defaults if there is no file.
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

// contradiction returns an error if keys exclude each other, and the key to change.
func (f file) contradiction(h home.Home, cell address.Name) (key string, err error) {
	if f.Forward == nil {
		return f.idleContradiction()
	}
	for _, key := range []struct {
		name string
		set  bool
	}{
		{"mode", f.Mode != nil}, {"args", f.Args != nil}, {"env", f.Env != nil}, {"dir",
			f.Dir != nil},
	} {
		if key.set {
			return key.name, fmt.Errorf("%s needs a program, but calls are forwarded: remove "+
				"%[1]s or forward", key.name)
		}
	}
	own, _ := h.Socket(cell) // a path that is too long is not a target either
	switch {
	case exists(h.DNA(cell)):
		return "forward", fmt.Errorf("calls cannot be forwarded while there is a program at %s: "+
			"remove one of the two", h.DNA(cell))
	case f.Forward.Network == "unix" && filepath.Clean(f.Forward.Address) == own:
		return "forward", errors.New("this is the cell's own socket: use the server's")
	}
	return "", nil
}

// idleContradiction returns an error if idle is set and the wrapper cannot count calls. In mode
// self there is no wrapper. In mode fd the wrapper has become the program by execve, so that
// LISTEN_PID is right, and only the program sees its calls.
func (f file) idleContradiction() (key string, err error) {
	switch {
	case f.Idle == nil:
		return "", nil
	case f.Mode == nil || f.Mode.Mode == Self:
		return "idle", errors.New("the calls of a program that binds its own socket cannot be " +
			"counted: remove idle and let the program exit, as with synapse.Idle")
	case f.Mode.Mode == FD:
		return "idle", errors.New("the calls of a program in mode fd cannot be counted: remove " +
			"idle and let the program exit")
	}
	return "", nil
}

// timeout and the types below are checked by the decoder, so that an error names the line. They
// are structs, since go-toml (2.4) sets a named number or string without calling UnmarshalText.
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

// maxIdle catches mistakes: to stay for ever, leave idle out.
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
		return fmt.Errorf("%q is not a full path, as in \"/srv/data\"", text)
	}
	d.path = filepath.Clean(string(text))
	return nil
}

// badText returns an error if an argument or variable cannot be passed to a program.
func (f file) badText() (key string, err error) {
	for _, text := range f.Args {
		if strings.ContainsRune(text, 0) {
			return "args", fmt.Errorf("%q contains a zero byte", text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Env)) {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			return "env", fmt.Errorf("%q is not a name for an environment variable", name)
		case strings.HasPrefix(name, "CELL_") || strings.HasPrefix(name, "LISTEN_"):
			return "env", fmt.Errorf("%s is set by the stem: choose another name", name)
		case strings.ContainsRune(f.Env[name], 0):
			return "env", fmt.Errorf("%q contains a zero byte", f.Env[name])
		}
	}
	return "", nil
}
