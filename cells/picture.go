// Package cells holds the picture that the example cells are shown; the cells are the
// folders beside it.
package cells

import _ "embed"

// Picture is a PNG of 640 x 480 pixels.
//
//go:embed testdata/picture.png
var Picture []byte
