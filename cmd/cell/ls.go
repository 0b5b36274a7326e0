package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/process"
	"github.com/cell-mesh/cell/synapse"
)

func lsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls [@PEER]",
		Short: "list the cells here, or those on a peer",
		Long: `Lists the cells on this machine: mode and, for running ones, process, start time
and memory; then the links and forwards. With @PEER, lists the cells that this
machine may reach on that peer.`,
		Example: `  cell ls @laptop`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				h, err := home.Default()
				if err != nil {
					return err
				}
				cells := append(cellsOf(h), linksOf(cmd.Context(), h)...)
				if len(cells) == 0 && !asJSON {
					fmt.Fprintln(cmd.ErrOrStderr(),
						`cell: no cells yet: create one with "cell new" and `+
							`"cell build", or expose a server with "cell expose"`)
				}
				return printCells(cmd.OutOrStdout(), cells, asJSON)
			}
			peer, ok := strings.CutPrefix(args[0], "@")
			if len(args) > 1 || !ok {
				return misuse(fmt.Errorf("cell ls takes no argument or one @PEER, not %q",
					strings.Join(args, " ")), lsHint)
			}
			names, err := callable(cmd.Context(), peer)
			if err != nil {
				return err
			}
			return printNames(cmd.OutOrStdout(), names, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// cellJSON is one cell as `cell ls --json` prints it, or a link or forward to one.
type cellJSON struct {
	// Name is the cell's name, or the address that a link or forward leads to.
	Name string `json:"name"`
	// Listen is where a link or forward listens: IP:PORT or a path; empty for a cell.
	Listen string `json:"listen,omitempty"`
	// Kept says that the link or forward survives the stem.
	Kept bool `json:"kept,omitempty"`
	// Calls is how many calls the link or forward carries now.
	Calls int `json:"calls,omitempty"`
	// Mode is how the cell is started; empty if it has no dna.
	Mode string `json:"mode,omitempty"`
	// Target is the server that the cell forwards to.
	Target string `json:"target,omitempty"`
	Public bool   `json:"public,omitempty"`
	// Problem is why the cell can't be started, or the link is not served.
	Problem string `json:"problem,omitempty"`
	// PID is 0 unless the cell runs.
	PID    int        `json:"pid,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Memory int64      `json:"memory,omitempty"`
}

// cellsOf returns the cells of a home that have dna or run, sorted by name.
func cellsOf(h home.Home) []cellJSON {
	cells := map[string]cellJSON{}
	for _, name := range dna.List(h) {
		cell := cellJSON{Name: name.String()}
		settings, err := dna.Read(h, name)
		if err == nil && settings.Mode != dna.Forward {
			err = dna.Runnable(h.DNA(name))
		}
		if err != nil {
			cell.Problem = err.Error()
		}
		cell.Mode, cell.Target, cell.Public = string(settings.Mode), settings.Target.String(),
			settings.Public
		cells[cell.Name] = cell
	}
	for _, run := range process.List(h) {
		cell := cells[run.Name.String()]
		cell.Name, cell.PID, cell.Since, cell.Memory = run.Name.String(), run.PID, &run.Since,
			run.Memory
		cells[cell.Name] = cell
	}
	sorted := []cellJSON{}
	for _, cell := range cells {
		sorted = append(sorted, cell)
	}
	slices.SortFunc(sorted, func(a, b cellJSON) int { return cmp.Compare(a.Name, b.Name) })
	return sorted
}

func printCells(w io.Writer, cells []cellJSON, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(cells)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, cell := range cells {
		if cell.Listen != "" {
			fmt.Fprintf(table, "%s\tfrom %s\t%s\n", cell.Name, cell.Listen, describeLink(cell))
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", cell.Name, describeDNA(cell), describeRun(cell))
	}
	return table.Flush()
}

func describeDNA(cell cellJSON) string {
	switch {
	case cell.Problem != "" && cell.Mode == "":
		return "unreadable"
	case cell.Mode == "":
		return "no dna"
	case cell.Target != "":
		return cell.Mode + " to " + cell.Target
	}
	return cell.Mode
}

func describeRun(cell cellJSON) string {
	switch {
	case cell.Since != nil:
		return fmt.Sprintf("process %d\tsince %s\t%.1f MiB", cell.PID,
			cell.Since.Local().Format(time.DateTime), float64(cell.Memory)/(1<<20))
	case cell.Problem != "":
		return cell.Problem
	}
	return "not running"
}

const lsHint = "for example: cell ls @laptop"

// callable asks a peer which of its cells this machine may reach.
func callable(ctx context.Context, peer string) ([]string, error) {
	to, err := address.Parse("stem.list@" + peer)
	if _, wrong := address.ParsePeer(peer); wrong != nil {
		err = wrong // doesn't name stem.list
	}
	if err != nil {
		return nil, misuse(err, lsHint)
	}
	conn, err := synapse.Dial(ctx, to.String())
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil {
			err = cause // doesn't name stem.list
		}
		return nil, hint(fmt.Errorf("list the cells of %s: %w", peer, err), dialHint(err, to))
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	text, err := io.ReadAll(io.LimitReader(conn, 1<<20))
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	return strings.Fields(string(text)), err
}

func printNames(w io.Writer, names []string, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(names)
	}
	for _, name := range names {
		fmt.Fprintln(w, name)
	}
	return nil
}
