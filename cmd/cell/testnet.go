package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/testnet/local"
)

func testnetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "testnet COMMAND",
		Short: "many stems on this machine, to try your cells on",
		Long: `A network to try cells on: "up" runs real stems as processes on loopback, each in a home of
its own, and they stay until "down". "run" simulates many more, with NATs, loss and trouble
between them, and draws a picture. Nothing of it touches ~/.cell or leaves this machine.`,
		Example: `  cell testnet up -n 3
  echo hello | cell testnet exec node1 -- cell connect echo@node3
  cell testnet down`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(testnetUpCommand(), testnetLsCommand(), testnetExecCommand(),
		testnetDownCommand(), testnetRunCommand())
	return cmd
}

// testnetDir is where a testnet is unless a flag says otherwise.
func testnetDir(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", hint(err, "name a directory with --dir")
	}
	return filepath.Join(user, ".cell-testnet"), nil
}

func testnetDirFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", "", "where the testnet lies: `DIR` (default ~/.cell-testnet)")
}

// openTestnet returns the testnet that a command is about.
func openTestnet(flag string) (*local.Net, error) {
	dir, err := testnetDir(flag)
	if err != nil {
		return nil, err
	}
	n, err := local.Open(dir)
	if errors.Is(err, local.ErrNone) {
		return nil, hint(err, `make one with "`+withDir("cell testnet up", flag)+`"`)
	}
	return n, err
}

// withDir is a command for the testnet of a --dir.
func withDir(command, flag string) string {
	if flag != "" {
		command += " --dir " + flag
	}
	return command
}
