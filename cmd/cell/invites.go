package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/invite"
)

// inviteJSON is one invite as `cell invites --json` prints it, without its secret.
type inviteJSON struct {
	ID      string    `json:"id"`
	State   string    `json:"state"`
	Cells   []string  `json:"cells"`
	Uses    int       `json:"uses"`
	Joined  []string  `json:"joined"`
	Expires time.Time `json:"expires"`
}

func invitesCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "invites",
		Short:   "list invites, and who joined with them",
		Long:    `Lists the invites printed on this machine, until a week after they expire.`,
		Example: `  cell invites`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, _, err := openHome()
			if err != nil {
				return err
			}
			all, problems := invite.ReadAll(h, time.Now())
			for _, problem := range problems {
				fmt.Fprintf(cmd.ErrOrStderr(), "cell: problem: %v\n", problem)
			}
			list := []inviteJSON{}
			for _, i := range all {
				joined := []string{}
				for _, id := range i.Joined {
					joined = append(joined, id.String())
				}
				state := string(i.State(address.ID{}, time.Now()))
				list = append(list, inviteJSON{i.ID, state, i.Cells.Words(), i.Uses, joined,
					i.Expires})
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(list)
			}
			if len(list)+len(problems) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(),
					`cell: no invites: "cell invite" prints one`)
			}
			called := petnameOf()
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for n, i := range list {
				who, separator := "", ": "
				for _, id := range i.Joined {
					who, separator = who+separator+called(id), ", "
				}
				fmt.Fprintf(table, "%s\t%s\t%d of %d joined%s\tuntil %s\treach %s\n", i.ID, i.State,
					len(i.Joined), i.Uses, who,
					i.Expires.Local().Format(time.DateTime), describeGrant(all[n].Cells))
			}
			return table.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
