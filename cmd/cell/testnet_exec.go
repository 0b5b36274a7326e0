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
		Long: `Takes the place of this process by PROGRAM, with CELL_HOME set to the node's home and this
testnet's "cell" on its PATH: "cell connect", "cell trust", or a shell to type more of them in.
"cell up" runs the node's stem again after it was killed.`,
		Example: `  cell testnet exec node1 -- cell ls @node2`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 && args[1] == "--" {
				args = slices.Delete(args, 1, 2)
			}
			if len(args) < 2 {
				return misuse(errors.New("cell testnet exec takes NODE, then -- and a program"),
					"as in cell testnet exec node1 -- cell status")
			}
			n, err := openTestnet(dirFlag)
			if err != nil {
				return err
			}
			node, ok := n.Node(args[0])
			if !ok {
				return hint(fmt.Errorf("no node is called %s", args[0]),
					fmt.Sprintf("%q lists them", withDir("cell testnet ls", dirFlag)))
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
	cmd.Flags().SetInterspersed(false) // what stands behind NODE is the program's
	testnetDirFlag(cmd, &dirFlag)
	return cmd
}
