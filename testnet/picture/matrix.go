package picture

import (
	"fmt"
	"slices"

	"github.com/cell-mesh/cell/testnet/scenario"
)

// matrix has the routes of calls, from each group to each.
type matrix struct {
	To   []spot
	Rows []matrixRow
}

type matrixRow struct {
	From  spot
	Cells []matrixCell
}

// matrixCell has the shares of calls as widths.
type matrixCell struct {
	Calls                   int
	Direct, Relayed, Failed float64
	Label, Title            string
}

func newMatrix(o *scenario.Outcome) (m matrix) {
	counts := map[[2]spot]*outcomes{}
	var from []spot
	for _, r := range o.Records {
		key := [2]spot{spotOf(o, r.From), spotOf(o, r.To)}
		if !slices.Contains(from, key[0]) {
			from = append(from, key[0])
		}
		if !slices.Contains(m.To, key[1]) {
			m.To = append(m.To, key[1])
		}
		if counts[key] == nil {
			counts[key] = &outcomes{}
		}
		counts[key].add(r)
	}
	slices.SortFunc(from, compareSpots)
	slices.SortFunc(m.To, compareSpots)
	for _, f := range from {
		row := matrixRow{From: f}
		for _, t := range m.To {
			cell := matrixCell{}
			if c := counts[[2]spot{f, t}]; c != nil {
				part := func(n int) float64 { return 100 * float64(n) / float64(c.all()) }
				cell = matrixCell{c.all(), part(c.direct), part(c.relayed), part(c.failed),
					share(c.direct, c.all()), fmt.Sprintf("%s to %s: %v", f.Group, t.Group, c)}
			}
			row.Cells = append(row.Cells, cell)
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}
