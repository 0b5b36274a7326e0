package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/testnet/local"
)

func testnetLsCommand() *cobra.Command {
	var asJSON bool
	var dirFlag string
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "list the stems of the testnet",
		Long: `Lists the stems of the testnet: process, address, running cells and peer ID.
Their homes are the directories beside testnet.toml; each has its stem's log in
log/stem.up.log.`,
		Example: `  cell testnet ls --json`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := openTestnet(dirFlag)
			if err != nil {
				return err
			}
			return printTestnet(cmd, n, dirFlag, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	testnetDirFlag(cmd, &dirFlag)
	return cmd
}

func printTestnet(cmd *cobra.Command, n *local.Net, dirFlag string, asJSON bool) error {
	states, err := n.States(cmd.Context())
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(states)
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	dead := ""
	for _, s := range states {
		process, cells := "not running", "-"
		if s.PID == 0 {
			dead = s.Name
		}
		if s.PID != 0 {
			process = fmt.Sprintf("process %d", s.PID)
		}
		if len(s.Cells) > 0 {
			cells = strings.Join(s.Cells, ", ")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", s.Name, process, where(s.Addrs), cells,
			cmp.Or(s.ID, "-"))
	}
	err = table.Flush()
	if dead != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "cell: the stem of %s is not running; "+
			"to run it: %s %s -- cell up\n", dead, withDir("cell testnet exec", dirFlag), dead)
	}
	return err
}

// where is the first address of a stem, as IP:PORT.
func where(addrs []string) string {
	for _, addr := range addrs {
		if words := strings.Split(addr, "/"); len(words) > 4 {
			return words[2] + ":" + words[4]
		}
	}
	return "-"
}
