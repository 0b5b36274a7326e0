package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
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
			return writePages(cmd.Root(), args[0])
		},
	}
}

// writePages writes the page of a command, and those of the commands below it. They are
// good for nothing else afterwards.
func writePages(cmd *cobra.Command, dir string) error {
	for _, sub := range cmd.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if err := writePages(sub, dir); err != nil {
			return err
		}
	}
	cmd.DisableAutoGenTag = true // the date is the page's, or $SOURCE_DATE_EPOCH
	cmd.InitDefaultHelpFlag()
	cmd.Flags().VisitAll(plain)
	var page bytes.Buffer
	if err := doc.GenMan(cmd, &doc.GenManHeader{Section: "1", Source: "cell " + thisBuild().Version,
		Manual: "cell"}, &page); err != nil {
		return err
	}
	text := bytes.ReplaceAll(page.Bytes(), []byte("[=]"), nil) // behind flags that take nothing
	return os.WriteFile(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"),
		text, 0o666)
}

// plain has a page show a flag as --help does: with what it takes, as in --seed=NUMBER,
// where the page would have its default.
func plain(flag *pflag.Flag) {
	takes, _ := pflag.UnquoteUsage(flag)
	if !slices.Contains([]string{"", "0", "0s", "false", "[]"}, flag.DefValue) {
		flag.Usage += fmt.Sprintf(" (default %s)", flag.DefValue)
	}
	flag.DefValue, flag.Value = takes, unquoted{flag.Value}
}

// unquoted is a value that no page puts in quotes.
type unquoted struct{ pflag.Value }

func (unquoted) Type() string { return "" }
