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
		Short: "run many stems on this machine to test cells",
		Long: `Runs a network to test cells on. "up" starts real stems on loopback, each in its
own home, which run until "down". "run" simulates many more stems, with NATs,
loss and failures, and can write a report. Neither touches ~/.cell or sends
anything off this machine.`,
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

// testnetDir is the directory of the testnet: the flag, or the default.
func testnetDir(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", hint(err, "choose a directory with --dir")
	}
	return filepath.Join(user, ".cell-testnet"), nil
}

func testnetDirFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "dir", "", "the testnet is in `DIR` (default ~/.cell-testnet)")
}

// openTestnet returns the testnet in the directory.
func openTestnet(flag string) (*local.Net, error) {
	dir, err := testnetDir(flag)
	if err != nil {
		return nil, err
	}
	n, err := local.Open(dir)
	if errors.Is(err, local.ErrNone) {
		return nil, hint(err, `start one with "`+withDir("cell testnet up", flag)+`"`)
	}
	return n, err
}

// withDir adds --dir to a command if the flag was given.
func withDir(command, flag string) string {
	if flag != "" {
		command += " --dir " + flag
	}
	return command
}
