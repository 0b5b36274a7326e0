package scaffold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cell-mesh/cell/cmd/cell/internal/origin"
)

// inModule sees to it that a package in dir can import synapse, and says what it has done
// for that: made dir a module, and had the module require the one that this program is
// of, in the version that it is from or, if that is a checkout, as it lies there.
func inModule(ctx context.Context, dir string, from origin.Origin) (done string, err error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("a cell in Go takes the go command, and there is none on the PATH: install Go from https://go.dev/dl, or choose another --lang")
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
		done = "made go.mod; "
	} else if _, err := goTool(ctx, dir, "list", "-m", origin.Module); err == nil {
		return "", nil // it is this one, or requires it
	}
	switch {
	case from == (origin.Origin{}):
		return "", fmt.Errorf("the source that this program was built from is not there any more: run \"go get %s\" in a module, then try again", origin.Module)
	case from.Dir == "":
		_, err := goTool(ctx, dir, "get", origin.Module+"/synapse@"+from.Version)
		return done + "it requires " + from.String(), err
	}
	if _, err := goTool(ctx, dir, "mod", "edit", "-require="+origin.Module+"@v0.0.0",
		"-replace="+origin.Module+"="+from.Dir); err != nil {
		return "", err
	}
	// This raises its go version if need be. The version leaves nothing to ask the
	// network, which there may not be.
	_, err = goTool(ctx, dir, "get", origin.Module+"@v0.0.0")
	return done + "it takes cell from " + from.Dir, err
}

// moduleName is a name for a module that nobody will import.
func moduleName(dir string) string {
	whole, err := filepath.Abs(dir)
	name := strings.Trim(strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' ||
			r == '_' {
			return r
		}
		return '-'
	}, filepath.Base(whole)), "-")
	if err != nil || name == "" {
		name = "cells"
	}
	return "example.com/" + name
}

// keep remembers go.mod and go.sum as they are, and returns what puts them back.
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
