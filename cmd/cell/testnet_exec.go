package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
)

func testnetExecCommand() *cobra.Command {
	var dirFlag string
	cmd := &cobra.Command{
		Use:   "exec NODE -- PROGRAM [ARG…]",
		Short: "run a program in a node's home",
		Long: `Runs PROGRAM with CELL_HOME set to the node's home, and with the testnet's cell
first on the PATH: a cell command, or a shell to type more of them. If the
node's stem was killed, "cell up" runs it again.`,
		Example: `  cell testnet exec node1 -- cell ls @node2`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 && args[1] == "--" {
				args = slices.Delete(args, 1, 2)
			}
			if len(args) < 2 {
				return misuse(errors.New("cell testnet exec takes NODE, then -- and a program"),
					"for example: cell testnet exec node1 -- cell status")
			}
			n, err := openTestnet(dirFlag)
			if err != nil {
				return err
			}
			node, ok := n.Node(args[0])
			if !ok {
				return hint(fmt.Errorf("there is no node %s", args[0]),
					fmt.Sprintf("%q lists the nodes", withDir("cell testnet ls", dirFlag)))
			}
			for key, value := range n.Vars(node) {
				os.Setenv(key, value)
			}
			program, err := exec.LookPath(args[1])
			if err != nil {
				return err
			}
			return &os.PathError{Op: "exec", Path: program,
				Err: syscall.Exec(program, args[1:], os.Environ())}
		},
	}
	cmd.Flags().SetInterspersed(false) // flags after NODE belong to the program
	testnetDirFlag(cmd, &dirFlag)
	return cmd
}
