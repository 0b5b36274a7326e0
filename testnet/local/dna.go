package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
)

// dnaFiles are the files that every node's dna directory links to. If nil, the node gets the
// cell echo.
type dnaFiles []string

// findDNA returns the dna in a directory: executables and their settings, NAME.toml.
func findDNA(dir string) (files dnaFiles, err error) {
	if dir == "" {
		return nil, nil
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("dna for a testnet: %w: name a directory with programs", err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		text, isSettings := strings.CutSuffix(entry.Name(), ".toml")
		name, err := address.ParseName(text)
		if err != nil || name.Reserved() {
			continue
		}
		if isSettings || dna.Runnable(path) == nil {
			files = append(files, path)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no dna: no executable with a valid cell name, and no "+
			"NAME.toml", dir)
	}
	return files, nil
}

func (files dnaFiles) link(h home.Home) error {
	if files == nil {
		return writeEcho(h)
	}
	for _, path := range files {
		if err := os.Symlink(path, filepath.Join(h.DNADir(), filepath.Base(path))); err != nil {
			return err
		}
	}
	return nil
}

// writeEcho makes a cell from cat.
func writeEcho(h home.Home) error {
	path := filepath.Join(h.DNADir(), "echo")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec cat\n"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path+".toml", []byte("mode = \"stdio\"\n"), 0o600)
}
