// Package sdk carries the SDKs of other languages, as they are to lie beside a program.
package sdk

import _ "embed"

// Python is python/cell.py, and Sh is sh/cell.sh.
var (
	//go:embed python/cell.py
	Python []byte
	//go:embed sh/cell.sh
	Sh []byte
)
