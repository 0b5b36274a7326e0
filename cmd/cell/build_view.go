package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"

	"github.com/cell-mesh/cell/cmd/cell/internal/build"
	"github.com/cell-mesh/cell/internal/address"
)

// buildView shows the progress of a build: a line for each finished cell and, on a
// terminal, a bar below them.
type buildView struct {
	to  io.Writer
	all bool                     // --all: unchanged cells are built too
	bar *progressbar.ProgressBar // nil unless on a terminal
	now []string                 // the cells being built
}

func newBuildView(to io.Writer, cells int, all bool) *buildView {
	v := &buildView{to: to, all: all}
	if isTerminal(to) {
		v.bar = progressbar.NewOptions(cells,
			progressbar.OptionSetWriter(to),
			progressbar.OptionSetWidth(20),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionUseANSICodes(true),
			progressbar.OptionClearOnFinish())
	}
	return v
}

// maxShown is how many cell names fit before the bar.
const maxShown = 3

func (v *buildView) waits() {
	fmt.Fprintln(v.to, "cell: waiting for another build to finish")
}

func (v *buildView) began(cell address.Name) {
	v.now = append(v.now, cell.String())
	v.describe()
}

func (v *buildView) ended(r build.Result) {
	v.now = slices.DeleteFunc(v.now, func(name string) bool { return name == r.Name.String() })
	if v.bar != nil {
		v.bar.Clear()
	}
	what := "unchanged"
	switch {
	case r.Err != nil:
		what = "failed"
	case r.Changed:
		what = fmt.Sprintf("built in %.1f s", r.Took.Seconds())
		if r.Instead != "" {
			what += ", replacing the cell from " + r.Instead
		}
	case v.all:
		what = fmt.Sprintf("built in %.1f s, no change", r.Took.Seconds())
	}
	fmt.Fprintf(v.to, "cell: %s: %s\n", r.Name, what)
	if v.bar != nil {
		v.bar.Add(1)
	}
	v.describe()
}

func (v *buildView) describe() {
	if v.bar != nil && len(v.now) > 0 {
		v.bar.Describe("cell: building " + strings.Join(v.now[:min(len(v.now), maxShown)], ", "))
	}
}

// close removes the bar.
func (v *buildView) close() {
	if v.bar != nil {
		v.bar.Clear()
	}
}
