package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/stem"
)

func callsCommand() *cobra.Command {
	var follow, asJSON bool
	var last int
	cmd := &cobra.Command{
		Use:   "calls",
		Short: "show calls from and to other machines",
		Long: `Shows the calls between this machine and its peers, also refused ones: when,
which cell, by which route, how many bytes, and how the call ended. Calls within
this machine are not recorded, nor calls to a petname that no peer has.`,
		Example: `  cell calls --follow`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := home.Default()
			if err != nil {
				return err
			}
			if last < 0 {
				return misuse(fmt.Errorf("-n %d: must not be negative", last), "for example: -n 50")
			}
			if _, err := os.Stat(h.Calls()); errors.Is(err, fs.ErrNotExist) && !asJSON && !follow {
				fmt.Fprintln(cmd.ErrOrStderr(),
					"cell: no calls recorded yet: no peer has called, and none was called")
			}
			called := petnameOf()
			show := func(line []byte) { showCall(cmd.OutOrStdout(), line, called) }
			if asJSON {
				show = func(line []byte) { fmt.Fprintf(cmd.OutOrStdout(), "%s\n", line) }
			}
			return calls(cmd.Context(), h.Calls(), last, follow, show)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "also print new calls as they end")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON per call")
	cmd.Flags().IntVarP(&last, "last", "n", 50, "start with the last `N` calls")
	return cmd
}

// calls shows the last lines of the file and, with follow, lines added later until ctx ends.
func calls(ctx context.Context, path string, last int, follow bool, show func(line []byte)) error {
	var watcher *fsnotify.Watcher
	if follow { // watch before reading, so that no line is missed
		var err error
		if watcher, err = watch(path); err != nil {
			return err
		}
		defer watcher.Close()
	}
	seen, err := tail(path, 0, func(lines [][]byte) {
		for _, line := range lines[max(0, len(lines)-last):] {
			show(line)
		}
	})
	for err == nil && follow {
		select {
		case <-ctx.Done():
			return nil
		case err = <-watcher.Errors:
		case event := <-watcher.Events:
			switch {
			case event.Name != path:
			case event.Has(fsnotify.Create) || event.Has(fsnotify.Rename):
				seen = 0
				fallthrough
			default:
				seen, err = tail(path, seen, func(lines [][]byte) {
					for _, line := range lines {
						show(line)
					}
				})
			}
		}
	}
	return err
}

// tail passes the complete lines from an offset on to give, and returns the offset behind
// them. A missing file has no lines.
func tail(path string, from int64, give func(lines [][]byte)) (int64, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return from, err
	}
	defer file.Close()
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return from, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return from, err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	var lines [][]byte
	for line := range bytes.Lines(whole) {
		lines = append(lines, bytes.TrimRight(line, "\r\n"))
	}
	give(lines)
	return from + int64(len(whole)), nil
}

// showCall prints one call as a line of columns that are wide enough for most.
func showCall(w io.Writer, line []byte, called func(id string) string) {
	var c stem.Record
	if err := json.Unmarshal(line, &c); err != nil {
		return // a crash left half a line
	}
	arrow := map[string]string{"in": "<-", "out": "->"}[c.Direction]
	fmt.Fprintf(w, "%s  %-16s %s %-16s  %-12s  %8d B sent, %8d B received, %9.3f s  %s\n",
		c.Began.Local().Format(time.DateTime), c.Cell, arrow, called(c.Peer), c.Path, c.Sent,
		c.Received, c.Seconds, outcome(c))
}

func outcome(c stem.Record) string {
	if c.Verdict != "ok" {
		return "refused: " + c.Verdict
	}
	return c.End
}
