// brain says in one line of JSON how much of a picture is edges, and where they lie. It sees with
// retina, which sees with edge_detector: one call starts all three.
//
//	$ cell connect brain < picture.png
//	{"width":640,"height":480,"edge_share":0.0414,"where":"center","edge_grid":[...]}
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
		Name:   "brain",
		Serve:  think,
		AtOnce: 16,
		Time:   60 * time.Second, // more than retina has, so that its errors arrive
	}.Main()
}

func think(ctx context.Context, conn io.ReadWriter) error {
	return vision.Brain(ctx, conn, cell.Ask)
}
