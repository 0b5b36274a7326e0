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

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/process"
)

func logsCommand() *cobra.Command {
	var follow bool
	var last int
	cmd := &cobra.Command{
		Use:     "logs NAME",
		Short:   "print what a cell has printed",
		Long:    `Prints what the cell wrote to its stdout and stderr since its log was last cut, at 8 MiB.`,
		Example: `  cell logs retina -n 20 -f`,
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
			if last < 0 && cmd.Flags().Changed("last") {
				return misuse(fmt.Errorf("there are no %d lines", last), "as in -n 50")
			}
			if _, err := os.Stat(h.Log(cell)); errors.Is(err, fs.ErrNotExist) {
				err := noLog(h, cell)
				if !follow {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "cell: %v: waiting for it\n", err)
			}
			return logs(cmd.Context(), h.Log(cell), last, follow, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what is to come")
	cmd.Flags().IntVarP(&last, "last", "n", -1, "begin with the last `N` lines, instead of all")
	cmd.Flags().Lookup("last").DefValue = "0" // which is not shown
	return cmd
}

// noLog says why a cell has no log.
func noLog(h home.Home, cell address.Name) error {
	if by, ok := process.Find(h, cell); ok {
		return hint(fmt.Errorf("%s was started by hand, and prints there: there is no %s", cell,
			h.Log(cell)), fmt.Sprintf("it is process %d", by.PID))
	}
	return hint(fmt.Errorf("%s was never started: there is no %s", cell, h.Log(cell)),
		`"cell ls" lists what could be`)
}

// logs prints the last lines of a file, or all if last is negative, and if it is to
// follow, what is added to it until ctx ends. Only then may it be missing.
func logs(ctx context.Context, path string, last int, follow bool, to io.Writer) error {
	if !follow {
		seen, err := behind(path, last)
		if err == nil {
			_, err = printFrom(path, seen, to)
		}
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
	seen, err := behind(path, last)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
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

// behind returns the offset of the last lines of a file; of all of them, if their number
// is negative. What has no end yet is a line.
func behind(path string, last int) (int64, error) {
	if last < 0 {
		return 0, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || last == 0 {
		return size, err
	}
	block := make([]byte, 64<<10)
	for end := size; end > 0; {
		begin := max(0, end-int64(len(block)))
		n, err := file.ReadAt(block[:end-begin], begin)
		if err != nil {
			return 0, err // it was cut meanwhile
		}
		for i := n - 1; i >= 0; i-- {
			if at := begin + int64(i) + 1; block[i] == '\n' && at < size {
				if last--; last == 0 {
					return at, nil
				}
			}
		}
		end = begin
	}
	return 0, nil
}

// printFrom prints a file from an offset on, or from its beginning if it has been cut
// since, and returns where it ended.
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
