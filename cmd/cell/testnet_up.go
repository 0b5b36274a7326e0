package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/testnet/local"
)

func testnetUpCommand() *cobra.Command {
	var cfg local.Config
	var dirFlag string
	cmd := &cobra.Command{
		Use:   "up [-n 3] [--dna DIR]",
		Short: "start stems on loopback",
		Long: `Starts stems in a private mesh on 127.0.0.1, and returns when all of them
answer. They run until "cell testnet down". The stems know each other as node1,
node2 and so on, and each may reach every cell of the others.

Each has the cell echo or, with --dna, the programs in that directory. These are
symbolic links, so a cell runs your new build from its next start on.`,
		Example: `  cell testnet up -n 5 --dna ~/.cell/dna`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cfg.Dir, err = testnetDir(dirFlag); err != nil {
				return err
			}
			if cfg.Nodes < 1 || cfg.Nodes > local.MaxNodes {
				return misuse(fmt.Errorf("-n %d: must be from 1 to %d", cfg.Nodes, local.MaxNodes),
					`to simulate more stems, use "cell testnet run --nodes 300"`)
			}
			if cfg.Cell, err = os.Executable(); err != nil {
				return err
			}
			n, err := local.Up(cmd.Context(), cfg)
			if errors.Is(err, local.ErrExists) {
				return hint(err, fmt.Sprintf("%q lists it, %q removes it",
					withDir("cell testnet ls", dirFlag), withDir("cell testnet down", dirFlag)))
			}
			if err != nil {
				return calledOff(cmd, dirFlag, err)
			}
			if err := printTestnet(cmd, n, dirFlag, false); err != nil {
				return err
			}
			last := n.Nodes[len(n.Nodes)-1].Name
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: %s up; try: %s node1 -- cell ls @%s\n",
				count(cfg.Nodes, "stem"), withDir("cell testnet exec", dirFlag), last)
			return nil
		},
	}
	f := cmd.Flags()
	f.IntVarP(&cfg.Nodes, "nodes", "n", 3, "run `N` stems")
	f.StringVar(&cfg.DNA, "dna", "", "give all nodes the cells in `DIR`")
	testnetDirFlag(cmd, &dirFlag)
	return cmd
}

// calledOff is the error of a testnet that did not start. After an interrupt, it says
// whether something is left.
func calledOff(cmd *cobra.Command, dirFlag string, err error) error {
	if cmd.Context().Err() == nil {
		return err
	}
	if _, left := openTestnet(dirFlag); !errors.Is(left, local.ErrNone) {
		return hint(fmt.Errorf("interrupted: %w", err),
			fmt.Sprintf("%q removes what is left", withDir("cell testnet down", dirFlag)))
	}
	return errors.New("interrupted: nothing is left of the testnet")
}
