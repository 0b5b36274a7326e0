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
		Use:   "logs NAME",
		Short: "print what a cell wrote to stdout and stderr",
		Long: `Prints the cell's log: its stdout and stderr. At 8 MiB the log moves to
NAME.log.1, and a new one begins.`,
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
				return misuse(fmt.Errorf("-n %d: must not be negative", last), "for example: -n 50")
			}
			if _, err := os.Stat(h.Log(cell)); errors.Is(err, fs.ErrNotExist) {
				err := noLog(h, cell)
				if !follow {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "cell: %v; waiting for it\n", err)
			}
			return logs(cmd.Context(), h.Log(cell), last, follow, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "also print what comes later")
	cmd.Flags().IntVarP(&last, "last", "n", -1, "start with the last `N` lines instead of all")
	cmd.Flags().Lookup("last").DefValue = "0" // cobra does not show it
	return cmd
}

// noLog explains why a cell has no log.
func noLog(h home.Home, cell address.Name) error {
	if by, ok := process.Find(h, cell); ok {
		return hint(fmt.Errorf("%s has no log: it was started by hand, and prints there", cell),
			fmt.Sprintf("it is process %d", by.PID))
	}
	return hint(fmt.Errorf("%s was never started: there is no %s", cell, h.Log(cell)),
		`"cell ls" lists the cells`)
}

// logs prints the last lines of a file, or all if last is negative. With follow, the file
// may be missing, and what is added later is printed too, until ctx ends.
func logs(ctx context.Context, path string, last int, follow bool, to io.Writer) error {
	if !follow {
		seen, err := behind(path, last)
		if err == nil {
			_, err = printFrom(path, seen, to)
		}
		return err
	}
	watcher, err := watch(path)
	if err != nil {
		return err
	}
	defer watcher.Close()
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

// watch watches the directory of a file, which may be created or replaced later.
func watch(path string) (*fsnotify.Watcher, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := watcher.Add(filepath.Dir(path)); err != nil {
		watcher.Close()
		return nil, err
	}
	return watcher, nil
}

// behind returns the offset of the last lines of a file, or 0 if last is negative. A last
// line without a newline counts.
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
			return 0, err // the log was emptied meanwhile
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

// printFrom prints a file from an offset on, or from the start if the file is shorter
// than that by now, and returns the offset of its end.
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
