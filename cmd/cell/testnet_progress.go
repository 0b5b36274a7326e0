package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/cell-mesh/cell/testnet/scenario"
)

// progressLine shows progress: on a terminal, one line that it overwrites; elsewhere, a new
// line from time to time.
type progressLine struct {
	w        io.Writer
	terminal bool
	width    int // of the text on the line
	phase    string
	next     time.Duration
}

// lineInterval is how often a new line is written if it can't be overwritten.
const lineInterval = 10 * time.Second

func newProgressLine(w io.Writer) *progressLine {
	file, ok := w.(*os.File)
	return &progressLine{w: w, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

func (l *progressLine) show(p scenario.Progress) {
	text := describeProgress(p)
	if l.terminal {
		fmt.Fprintf(l.w, "\r%s%s", text, strings.Repeat(" ", max(0, l.width-len(text))))
		l.width = len(text)
		return
	}
	if p.Phase != l.phase {
		l.phase, l.next = p.Phase, 0
	}
	if p.Since >= l.next {
		l.next = p.Since + lineInterval
		fmt.Fprintln(l.w, "cell: "+text)
	}
}

// end clears the line.
func (l *progressLine) end() {
	if l.terminal {
		fmt.Fprintf(l.w, "\r%s\r", strings.Repeat(" ", l.width))
	}
}

func describeProgress(p scenario.Progress) string {
	since := p.Since.Truncate(time.Second)
	switch p.Phase {
	case scenario.Joining:
		return fmt.Sprintf("%v: %d of %d nodes have joined", since, p.Up, p.Nodes)
	case scenario.Idling:
		return fmt.Sprintf("%v: %d nodes up, idle", since, p.Up)
	}
	direct := ""
	if p.Direct >= 0 && p.Answered > 0 {
		direct = fmt.Sprintf(", %s of them direct", inPercent(p.Direct, p.Answered))
	}
	return fmt.Sprintf("%v: %d nodes up, %d calls, %s answered%s, %d open", since, p.Up,
		p.Asked, inPercent(p.Answered, p.Asked), direct, p.Open)
}

// printSummary prints the table at the end.
func printSummary(w io.Writer, s scenario.Summary) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(table, name+"\t"+format+"\n", args...)
	}
	row("scenario", "%s, seed %d, %g s", s.Scenario, s.Seed, s.Length)
	row("nodes", "%d, joined %s in %.1f s", s.Nodes, s.Join, s.Joining)
	row("calls", "%d, %s answered", s.Asked, inPercent(s.Answered, s.Asked))
	row("routes", "%d direct, %d relayed", s.Direct, s.Relayed)
	if s.Answered > 0 {
		row("first byte", "p50 %.0f ms, p90 %.0f ms, p99 %.0f ms", s.FirstByte.P50, s.FirstByte.P90,
			s.FirstByte.P99)
	}
	if s.Lookups > 0 {
		row("lookups", "%d, %s found; hops p50 %g, p90 %g; messages p50 %g, p90 %g", s.Lookups,
			inPercent(s.Found, s.Lookups),
			s.Hops.P50, s.Hops.P90, s.Messages.P50, s.Messages.P90)
	}
	if s.Idle > 0 {
		row("sent, idle", "%.0f bytes a node a second", s.Idle)
	}
	row("sent", "%.0f bytes a node a second", s.Rate)
	if s.Overloaded() {
		row("overloaded", "timers fired up to %.0f ms late: the times above are too long, and "+
			"some calls may have failed only because of that", s.Late)
	}
	row("memory", "%.0f MB", s.Memory)
	for i, f := range s.Failures {
		if i == 5 {
			row("failed", "for %d other reasons", len(s.Failures)-i)
			break
		}
		row("failed", "%s: %s", times(f.Times), f.Reason)
	}
	for _, problem := range s.Problems {
		row("problem", "%s", problem)
	}
	table.Flush()
}
