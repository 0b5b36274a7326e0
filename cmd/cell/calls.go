package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/stem"
)

func callsCommand() *cobra.Command {
	var follow, asJSON bool
	var last int
	cmd := &cobra.Command{
		Use:   "calls",
		Short: "show the calls from and to other machines",
		Long: `Shows who called what on this machine and whom it called, granted or refused: when, how it
travelled, how many bytes, and how it ended. Calls within the machine are not recorded, and
neither are those to a name that no peer has.`,
		Example: `  cell calls --follow`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := home.Default()
			if err != nil {
				return err
			}
			if last < 0 {
				return misuse(fmt.Errorf("there are no %d calls", last), "as in -n 50")
			}
			names := petnameOf(h)
			if _, err := os.Stat(h.Calls()); errors.Is(err, fs.ErrNotExist) && !asJSON && !follow {
				fmt.Fprintln(cmd.ErrOrStderr(),
					"cell: no call from or to another machine has been recorded yet")
			}
			show := func(line []byte) { showCall(cmd.OutOrStdout(), line, names) }
			if asJSON {
				show = func(line []byte) { fmt.Fprintf(cmd.OutOrStdout(), "%s\n", line) }
			}
			return calls(cmd.Context(), h.Calls(), last, follow, show)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with those to come")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each")
	cmd.Flags().IntVarP(&last, "last", "n", 50, "begin with the last `N`")
	return cmd
}

// calls shows the last lines of the file and, if it is to follow, those that are added
// until ctx ends.
func calls(ctx context.Context, path string, last int, follow bool, show func(line []byte)) error {
	var watcher *fsnotify.Watcher
	if follow { // before the first look, so that nothing is missed
		var err error
		if watcher, err = fsnotify.NewWatcher(); err != nil {
			return err
		}
		defer watcher.Close()
		if err := watcher.Add(filepath.Dir(path)); err != nil {
			return err
		}
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

// tail gives the whole lines behind an offset, and returns the offset behind them. A
// missing file has none.
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
	scanner := bufio.NewScanner(bytes.NewReader(whole))
	for scanner.Scan() {
		lines = append(lines, bytes.Clone(scanner.Bytes()))
	}
	give(lines)
	return from + int64(len(whole)), scanner.Err()
}

// petnameOf returns the name for each ID of a peer that has one.
func petnameOf(h home.Home) map[string]string {
	names := map[string]string{}
	all, _ := peers.ReadAll(h) // `cell status` reports bad files
	for _, peer := range all {
		names[peer.ID.String()] = peer.Petname.String()
	}
	return names
}

// showCall prints one call on a line for a person, in columns that are wide enough for most.
func showCall(w io.Writer, line []byte, names map[string]string) {
	var c stem.Record
	if err := json.Unmarshal(line, &c); err != nil {
		return // half a line, after a crash
	}
	arrow := map[string]string{"in": "<-", "out": "->"}[c.Direction]
	fmt.Fprintf(w, "%s  %-16s %s %-16s  %-12s  %8d B sent, %8d B received, %9.3f s  %s\n",
		c.Began.Local().Format(time.DateTime), c.Cell, arrow, cmp.Or(names[c.Peer],
			c.Peer), c.Path, c.Sent, c.Received, c.Seconds, outcome(c))
}

func outcome(c stem.Record) string {
	if c.Verdict != "ok" {
		return "refused: " + c.Verdict
	}
	return c.End
}
