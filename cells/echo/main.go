// echo is the smallest cell: it sends back what it reads, until its caller ends the writing side.
//
//	echo hello | cell connect echo
package main

import (
	"context"
	"io"

	"github.com/cell-mesh/cell/cells/internal/cell"
)

func main() {
	cell.Cell{Name: "echo", Serve: echo}.Main()
}

func echo(_ context.Context, conn io.ReadWriter) error {
	_, err := io.Copy(conn, conn)
	return err
}
