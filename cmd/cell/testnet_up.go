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
		Short: "run stems on loopback until \"cell testnet down\"",
		Long: `Runs stems as processes of their own, in a private mesh on 127.0.0.1, and returns when all
of them answer. Each knows the others as node1, node2 and so on, and trusts them with every
cell. Each has the cell echo or, with --dna, what that directory has: links, so that a new
build of yours is used from the next start of its cell on.`,
		Example: `  cell testnet up -n 5 --dna ~/.cell/dna`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cfg.Dir, err = testnetDir(dirFlag); err != nil {
				return err
			}
			if cfg.Nodes < 1 || cfg.Nodes > local.MaxNodes {
				return misuse(fmt.Errorf("-n %d: a testnet of processes has 1 to %d stems",
					cfg.Nodes, local.MaxNodes), `"cell testnet run --nodes 300" simulates more`)
			}
			if cfg.Cell, err = os.Executable(); err != nil {
				return err
			}
			n, err := local.Up(cmd.Context(), cfg)
			if errors.Is(err, local.ErrExists) {
				return hint(err, fmt.Sprintf("%q shows it, and %q ends it",
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
	f.IntVarP(&cfg.Nodes, "nodes", "n", 3, "`HOW MANY` stems")
	f.StringVar(&cfg.DNA, "dna", "", "give every node the programs in `DIR`, and the NAME.toml beside them")
	testnetDirFlag(cmd, &dirFlag)
	return cmd
}

// calledOff is what came of a testnet that was not to be: if somebody called it off, that
// is all there is to say, unless something is left of it.
func calledOff(cmd *cobra.Command, dirFlag string, err error) error {
	if cmd.Context().Err() == nil {
		return err
	}
	if _, left := openTestnet(dirFlag); !errors.Is(left, local.ErrNone) {
		return hint(fmt.Errorf("interrupted: %w", err),
			fmt.Sprintf("%q ends what is left", withDir("cell testnet down", dirFlag)))
	}
	return errors.New("interrupted: nothing is left of the testnet")
}
