// retina sees: it takes a picture of nearly any kind, makes it gray, not too large and
// full of contrast, asks edge_detector for its edges, and hands them on.
//
//	cell connect retina < holiday.webp > edges.png
package main

import (
	"context"
	"io"
	"time"

	"github.com/cell-mesh/cell/cells/internal/cell"
	"github.com/cell-mesh/cell/cells/internal/vision"
)

func main() {
	cell.Cell{
		Name:   "retina",
		Serve:  see,
		AtOnce: 16,
		Time:   45 * time.Second, // more than edge_detector has, so that its errors arrive
	}.Main()
}

// see calls edge_detector by its name, as any program would; if it isn't running, the
// call starts it.
func see(ctx context.Context, conn io.ReadWriter) error {
	return vision.Retina(ctx, conn, cell.Ask)
}
