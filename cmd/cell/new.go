package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/cmd/cell/internal/scaffold"
)

func newCommand() *cobra.Command {
	var in string
	cmd := &cobra.Command{
		Use:   "new NAME [--lang go|python|sh]",
		Short: "make the first files of a cell, in cells/NAME",
		Long: `Makes cells/NAME in the current directory: a cell that answers, and a test of it. One in Go
belongs to the Go module that the directory is in, which is made if there is none; one in
Python or sh has the SDK beside it, as a file of its own.`,
		Example: `  cell new hello && cell build && echo hi | cell connect hello`,
		Args:    exactly("NAME"),
		// Not one that there is.
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := ownName(args[0])
			if err != nil {
				return err
			}
			lang, err := scaffold.ParseLang(in)
			if err != nil {
				return misuse(err, "as in --lang python")
			}
			here, err := os.Getwd()
			if err != nil {
				return err
			}
			if filepath.Base(here) == "cells" {
				return hint(fmt.Errorf("this directory is cells/ itself: %s would be in cells/cells/", name), `"cd .." first`)
			}
			made, err := scaffold.New(cmd.Context(), ".", name, lang)
			if errors.Is(err, scaffold.ErrExists) {
				return hint(err, "choose another name, or remove it first")
			}
			if err != nil {
				return fmt.Errorf("new %s: %w", name, err)
			}
			w := cmd.ErrOrStderr()
			fmt.Fprintf(w, "cell: made %s: %s\n", made.Dir, strings.Join(made.Files, ", "))
			if made.Module != "" {
				fmt.Fprintf(w, "cell: %s\n", made.Module)
			}
			fmt.Fprintf(w, "cell: to test it: (cd %s && %s)\n", made.Dir, lang.Test)
			fmt.Fprintf(w, "cell: to call it, while \"cell up\" runs: cell build && echo hi | cell connect %s\n", name)
			return nil
		},
	}
	cmd.Flags().StringVar(&in, "lang", "go", "the `LANGUAGE` to write it in: go, python or sh")
	return cmd
}
