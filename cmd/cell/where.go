package main

import (
	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
)

// Hints name real paths and the real ID if possible, so that they can be pasted.

func dnaPath(cell address.Name) string {
	h, err := home.Default()
	if err != nil {
		return "~/.cell/dna/" + cell.String()
	}
	return h.DNA(cell)
}

func logPath(cell address.Name) string {
	h, err := home.Default()
	if err != nil {
		return "~/.cell/log/" + cell.String() + ".log"
	}
	return h.Log(cell)
}

func ownID() string {
	_, identity, err := openHome()
	if err != nil {
		return "YOUR-ID"
	}
	return identity.ID().String()
}
