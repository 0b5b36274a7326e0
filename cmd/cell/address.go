package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
)

// parseAddress reads ADDRESS, as it stands on the command line or in the file that @FILE
// names: who shares a machine sees the command lines of all, and a key in one.
func parseAddress(arg, remedy string) (address.Address, error) {
	text, inFile, err := secretArg(arg)
	if err != nil {
		return address.Address{}, hint(err, "@FILE is the address in FILE; a cell of a peer is NAME@PEER, as in echo@laptop")
	}
	to, err := address.Parse(text)
	switch {
	case err != nil && inFile:
		return to, hint(fmt.Errorf("%s: %w", arg[1:], err), remedy)
	case err != nil:
		return to, misuse(err, remedy)
	}
	return to, nil
}

// maxSecret is more than the longest address or invite has.
const maxSecret = 16 << 10

// secretArg returns an argument, or the word that is in the file if it is @FILE.
func secretArg(arg string) (text string, inFile bool, err error) {
	path, inFile := strings.CutPrefix(arg, "@")
	if !inFile || path == "" {
		return arg, false, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return "", true, hint(err, "@FILE stands for what is in FILE")
	}
	defer file.Close()
	word, err := io.ReadAll(io.LimitReader(file, maxSecret))
	return strings.TrimSpace(string(word)), true, err
}
