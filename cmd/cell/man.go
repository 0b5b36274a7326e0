package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "write a man page for each command",
		Long: `Writes cell.1, cell-connect.1 and so on into DIR, which is made if need be. In a directory
man1 of those that man looks into, they are found: "manpath" lists these.`,
		Example: `  cell man ~/.local/share/man/man1 && man cell-connect`,
		Args:    exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o777); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the date is the page's, or $SOURCE_DATE_EPOCH
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "cell " + thisBuild().Version, Manual: "cell"}, args[0])
		},
	}
}
