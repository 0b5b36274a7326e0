package picture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cell-mesh/cell/testnet/scenario"
)

// matrix is which way calls took, from each group to each.
type matrix struct {
	To   []spot
	Rows []matrixRow
}

type matrixRow struct {
	From  spot
	Cells []matrixCell
}

// matrixCell has the shares of calls, which are widths.
type matrixCell struct {
	Calls                   int
	Direct, Relayed, Failed float64
	Label, Title            string
}

func newMatrix(o *scenario.Outcome) (m matrix) {
	type count struct{ direct, relayed, failed int }
	counts := map[[2]spot]count{}
	var from []spot
	for _, r := range o.Records {
		key := [2]spot{spotOf(o, r.From), spotOf(o, r.To)}
		if !slices.Contains(from, key[0]) {
			from = append(from, key[0])
		}
		if !slices.Contains(m.To, key[1]) {
			m.To = append(m.To, key[1])
		}
		c := counts[key]
		switch {
		case !r.Answered():
			c.failed++
		case strings.HasPrefix(r.Route, "relayed"):
			c.relayed++
		default:
			c.direct++
		}
		counts[key] = c
	}
	slices.SortFunc(from, compareSpots)
	slices.SortFunc(m.To, compareSpots)
	for _, f := range from {
		row := matrixRow{From: f}
		for _, t := range m.To {
			c := counts[[2]spot{f, t}]
			cell := matrixCell{Calls: c.direct + c.relayed + c.failed}
			if cell.Calls > 0 {
				part := func(n int) float64 { return 100 * float64(n) / float64(cell.Calls) }
				cell.Direct, cell.Relayed, cell.Failed = part(c.direct), part(c.relayed), part(c.failed)
				cell.Label = share(c.direct, cell.Calls)
				cell.Title = fmt.Sprintf("%s to %s: %d direct, %d relayed, %d failed", f.Group,
					t.Group, c.direct, c.relayed, c.failed)
			}
			row.Cells = append(row.Cells, cell)
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}
