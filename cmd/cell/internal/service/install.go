package service

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cell-mesh/cell/internal/textfile"
)

// Install installs and starts the service. Installing it again changes nothing. If the
// service does not start, Install restores the previous state.
func Install(ctx context.Context, m Manager, s Service) error {
	path := m.File(s)
	was, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	text := []byte(m.Text(s))
	changed := !bytes.Equal(was, text)
	if changed {
		if err := textfile.Replace(path, text); err != nil {
			return err
		}
	}
	err = m.Start(ctx, s, changed)
	if err == nil || !changed {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if was == nil {
		_, undo := Uninstall(ctx, m, s)
		return errors.Join(err, undo)
	}
	return errors.Join(err, textfile.Replace(path, was), m.Start(ctx, s, true))
}

// Uninstall stops and removes the service. was says whether it was installed.
func Uninstall(ctx context.Context, m Manager, s Service) (was bool, err error) {
	path := m.File(s)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err := m.Stop(ctx, s); err != nil {
		return true, err
	}
	return true, os.Remove(path)
}
