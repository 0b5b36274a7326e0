package scaffold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cell-mesh/cell/cmd/cell/internal/origin"
)

// inModule makes sure that a package in dir can import synapse, and returns what it changed.
// It makes dir a module if it is not in one, and requires this program's module: in the same
// version or, if that is a checkout, by a replace directive.
func inModule(ctx context.Context, dir string, from origin.Origin) (done string, err error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("a cell in Go needs Go, which is not on the PATH: " +
			"install it from https://go.dev/dl, or choose another --lang")
	}
	file, err := goTool(ctx, dir, "env", "GOMOD")
	if err != nil {
		return "", err
	}
	isNew := file == "" || file == os.DevNull
	if isNew {
		file = filepath.Join(dir, "go.mod")
	}
	restore := keep(filepath.Dir(file))
	defer func() {
		if err != nil {
			err = errors.Join(err, restore())
		}
	}()
	if isNew {
		if _, err := goTool(ctx, dir, "mod", "init", moduleName(dir)); err != nil {
			return "", err
		}
		done = "created go.mod; "
	} else if _, err := goTool(ctx, dir, "list", "-m", origin.Module); err == nil {
		return "", nil // it is this module, or requires it
	}
	switch {
	case from == (origin.Origin{}):
		return "", fmt.Errorf("the source of this program is gone: "+
			"run \"go get %s\" in a module, then try again", origin.Module)
	case from.Dir == "":
		_, err := goTool(ctx, dir, "get", origin.Module+"/synapse@"+from.Version)
		return done + "go.mod requires " + from.String(), err
	}
	if _, err := goTool(ctx, dir, "mod", "edit", "-require="+origin.Module+"@v0.0.0",
		"-replace="+origin.Module+"="+from.Dir); err != nil {
		return "", err
	}
	// This raises the go version if needed. With an exact version, go get does not use the
	// network.
	_, err = goTool(ctx, dir, "get", origin.Module+"@v0.0.0")
	return done + "go.mod uses cell from " + from.Dir, err
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// moduleName derives a name for a module that nobody imports.
func moduleName(dir string) string {
	whole, err := filepath.Abs(dir)
	name := strings.Trim(notInName.ReplaceAllString(filepath.Base(whole), "-"), "-")
	if err != nil || name == "" {
		name = "cells"
	}
	return "example.com/" + name
}

// keep saves go.mod and go.sum, and returns a function that restores them.
func keep(dir string) (restore func() error) {
	was := map[string][]byte{}
	for _, file := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			was[file] = text
		}
	}
	return func() (err error) {
		for file, text := range was {
			if path := filepath.Join(dir, file); text != nil {
				err = errors.Join(err, os.WriteFile(path, text, 0o666))
			} else if gone := os.Remove(path); !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
		return err
	}
}

func goTool(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", errors.New("interrupted")
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args[:min(2, len(args))], " "), err,
			strings.TrimSpace(said.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
