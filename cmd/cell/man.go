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
		Long: `Writes cell.1, cell-connect.1 and so on into DIR, which is created if it does
not exist. man searches man1 in each directory that "manpath" lists.`,
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

// writePages writes the pages of a command and its subcommands. It changes the commands, so
// they can't be run afterwards.
func writePages(cmd *cobra.Command, dir string) error {
	for _, sub := range cmd.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if err := writePages(sub, dir); err != nil {
			return err
		}
	}
	cmd.DisableAutoGenTag = true // it holds the date, which the header also has
	cmd.InitDefaultHelpFlag()
	cmd.Flags().VisitAll(plain)
	var page bytes.Buffer
	if err := doc.GenMan(cmd, &doc.GenManHeader{Section: "1", Source: "cell " + thisBuild().Version,
		Manual: "cell"}, &page); err != nil {
		return err
	}
	text := bytes.ReplaceAll(page.Bytes(), []byte("[=]"), nil) // after flags without a value
	return os.WriteFile(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"),
		text, 0o666)
}

// plain makes a page show a flag with its value, such as --seed=NUMBER. cobra would show the
// default there.
func plain(flag *pflag.Flag) {
	takes, _ := pflag.UnquoteUsage(flag)
	if !slices.Contains([]string{"", "0", "0s", "false", "[]"}, flag.DefValue) {
		flag.Usage += fmt.Sprintf(" (default %s)", flag.DefValue)
	}
	flag.DefValue, flag.Value = takes, unquoted{flag.Value}
}

// unquoted is a value that the page does not quote.
type unquoted struct{ pflag.Value }

func (unquoted) Type() string { return "" }
