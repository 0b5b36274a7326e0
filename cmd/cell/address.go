package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
)

// parseAddress reads ADDRESS from the command line, or from the file that @FILE names. The
// file exists for addresses with a key: every user of a machine can see its command lines.
func parseAddress(arg, remedy string) (address.Address, error) {
	text, inFile, err := secretArg(arg)
	if err != nil {
		return address.Address{}, hint(err,
			"@FILE reads the address from FILE; for a cell on a peer, write NAME@PEER, such as "+
				"echo@laptop")
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

// maxSecret is longer than any address or invite.
const maxSecret = 16 << 10

// secretArg returns the argument, or for @FILE the content of the file.
func secretArg(arg string) (text string, inFile bool, err error) {
	path, inFile := strings.CutPrefix(arg, "@")
	if !inFile || path == "" {
		return arg, false, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return "", true, hint(err, "check the path after @: @FILE reads the argument from FILE")
	}
	defer file.Close()
	word, err := io.ReadAll(io.LimitReader(file, maxSecret))
	return strings.TrimSpace(string(word)), true, err
}
