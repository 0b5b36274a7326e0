package build

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/process"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
)

// Outdated returns the running cells that started before their dna was replaced. It misses a
// cell that was executed before that moment and bound its socket after it.
func Outdated(h home.Home, cells []Cell) (names []address.Name) {
	for _, cell := range cells {
		now, runs := process.Find(h, cell.Name)
		if runs && slices.ContainsFunc(readAtStart(h, cell.Name), func(path string) bool {
			info, err := os.Lstat(path)
			return err == nil && info.ModTime().After(now.Since)
		}) {
			names = append(names, cell.Name)
		}
	}
	return names
}

// readAtStart returns the files that a cell reads when it starts. In mode stdio, that is not
// the program: each call starts it.
func readAtStart(h home.Home, cell address.Name) []string {
	if settings, err := dna.Read(h, cell); err == nil && settings.Mode == dna.Stdio {
		return []string{dna.Path(h, cell)}
	}
	return []string{dna.Path(h, cell), h.DNA(cell)}
}

// Restart stops a cell and, if a stem runs, has the stem start it again.
func Restart(ctx context.Context, h home.Home, cell address.Name) error {
	if _, err := process.Stop(ctx, h, cell); err != nil && !errors.Is(err, process.ErrNotRunning) {
		return err
	}
	answer, err := stemclient.Ask(ctx, h, wire.Request{Verb: wire.Germinate, Object: cell.String()})
	if errors.Is(err, stemclient.ErrNoStem) {
		return nil // the next call will start it
	}
	if err != nil {
		return err
	}
	return answer.Conn.Close()
}
