package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// inputs is a hash of what a build command depends on: the command itself, and the files in
// the cell's directory and in the inputs of cell.toml, by name, content and executable bit.
func inputs(ctx context.Context, cell Cell) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q\n", cell.source.Build)
	for _, path := range append([]string{"."}, cell.source.Inputs...) {
		root := filepath.Join(cell.Dir, path)
		if filepath.IsAbs(path) {
			root = path
		}
		files, err := list(ctx, root)
		if err != nil {
			return "", fmt.Errorf("input %s: %w", path, err)
		}
		for _, file := range files {
			if ctx.Err() != nil {
				return "", context.Cause(ctx)
			}
			if err := add(sum, path, root, file); err != nil {
				return "", err
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// add hashes one file, or notes that it is gone.
func add(sum hash.Hash, path, root, file string) error {
	whole := filepath.Join(root, file)
	info, err := os.Lstat(whole)
	if err != nil {
		fmt.Fprintf(sum, "%q %q gone\n", path, file)
		return nil
	}
	fmt.Fprintf(sum, "%q %q %v %v %d\n", path, file, info.Mode().Type(),
		info.Mode().Perm()&0o111 != 0, info.Size())
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(whole)
		fmt.Fprintf(sum, "%q\n", to)
		return err
	case !info.Mode().IsRegular():
		return nil
	}
	from, err := os.Open(whole)
	if err != nil {
		return err
	}
	defer from.Close()
	_, err = io.Copy(sum, from)
	return err
}

// list returns the files below a path, relative to it: those that git would track, which
// leaves out build results. Outside of git, it skips the usual directories for these.
func list(ctx context.Context, root string) ([]string, error) {
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return []string{"."}, err
	}
	git := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others",
		"--exclude-standard", "--", ".")
	git.Dir = root
	if out, err := git.Output(); err == nil && len(out) > 0 {
		files := strings.Split(string(bytes.TrimSuffix(out, []byte{0})), "\x00")
		slices.Sort(files)
		return slices.Compact(files), nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case entry.IsDir() && path != root && leftByBuilds(entry.Name()):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		file, err := filepath.Rel(root, path)
		files = append(files, file)
		return err
	})
	return files, err
}

// leftByBuilds reports whether a directory usually holds build results.
func leftByBuilds(dir string) bool {
	return strings.HasPrefix(dir, ".") || dir == "target" || dir == "node_modules" ||
		dir == "__pycache__"
}
