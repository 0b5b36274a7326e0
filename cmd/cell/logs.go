package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"
)

func logsCommand() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:     "logs NAME",
		Short:   "print what a cell has printed",
		Long:    `Prints what the cell wrote to its stdout and stderr since its log was last cut, at 8 MiB.`,
		Example: `  cell logs retina -f`,
		Args:    exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cell, err := ownName(args[0])
			if err != nil {
				return err
			}
			h, err := madeHome()
			if err != nil {
				return err
			}
			err = logs(cmd.Context(), h.Log(cell), follow, cmd.OutOrStdout())
			if errors.Is(err, fs.ErrNotExist) {
				return hint(fmt.Errorf("%s was never started: there is no %s", cell, h.Log(cell)), `"cell ls" lists what could be`)
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what is to come")
	return cmd
}

// logs prints a file and, if it is to follow, what is added to it until ctx ends. Only then may it be missing.
func logs(ctx context.Context, path string, follow bool, to io.Writer) error {
	if !follow {
		_, err := printFrom(path, 0, to)
		return err
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer watcher.Close()
	if err := watcher.Add(filepath.Dir(path)); err != nil {
		return err
	}
	var seen int64
	for {
		if seen, err = printFrom(path, seen, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for changed := false; !changed; {
			select {
			case <-ctx.Done():
				return nil
			case err := <-watcher.Errors:
				return err
			case event := <-watcher.Events:
				changed = event.Name == path
			}
		}
	}
}

// printFrom prints a file from an offset on, or from its beginning if it has been cut since, and returns where it ended.
func printFrom(path string, from int64, to io.Writer) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return from, err
	}
	if info.Size() < from {
		from = 0
	}
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return from, err
	}
	n, err := io.Copy(to, file)
	return from + n, err
}
