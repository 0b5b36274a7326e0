// edge_detector draws the edges of a picture: PNG or JPEG in, a gray PNG of the same size
// out, bright where the picture changes.
//
//	cell connect edge_detector < picture.png > edges.png
//
// What an edge is, exactly, is written in package vision.
package main

import (
	"time"

	"github.com/cell-mesh/cell/cells/internal/cell"
	"github.com/cell-mesh/cell/cells/internal/vision"
)

func main() {
	cell.Cell{
		Name:   "edge_detector",
		Serve:  vision.EdgeDetector,
		AtOnce: 16,
		Time:   30 * time.Second,
	}.Main()
}
