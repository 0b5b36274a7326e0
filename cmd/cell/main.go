// Command cell runs this machine's stem, and calls and manages cells from the command line.
// Each command has a file of its own; command.go lists them all.
package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/node"
)

func main() {
	quietLibraries()
	cobra.EnableCommandSorting = false // help lists commands in the order of newRoot
	ctx, stop := untilSignalled()
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// quietLibraries keeps libraries from writing to stderr. It sets state of the process, so
// only main calls it.
func quietLibraries() {
	node.QuietLibraries()
	// quic-go prints a warning if the system's UDP buffers are small. Only root can change them.
	const warning = "QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING"
	if _, ok := os.LookupEnv(warning); !ok {
		os.Setenv(warning, "true")
	}
}

// run is the whole program. It returns the exit code: 0 done, 1 failed, 2 misused.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	out := &output{Writer: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.err
	}
	return report(stderr, err)
}
