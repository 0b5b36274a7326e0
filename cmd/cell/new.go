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
		Short: "create a new cell in cells/NAME",
		Long: `Creates cells/NAME in the current directory: a working cell and a test for it.
A Go cell belongs to the Go module of the directory, which is created if there
is none. A Python or sh cell comes with a copy of its SDK.`,
		Example: `  cell new hello && cell build && echo hi | cell connect hello`,
		Args:    exactly("NAME"),
		// the name must be new
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := ownName(args[0])
			if err != nil {
				return err
			}
			lang, err := scaffold.ParseLang(in)
			if err != nil {
				return misuse(err, "for example: --lang python")
			}
			here, err := os.Getwd()
			if err != nil {
				return err
			}
			if filepath.Base(here) == "cells" {
				return hint(fmt.Errorf("this is the directory cells/: %s would be in cells/cells/",
					name), `run "cd .." first`)
			}
			made, err := scaffold.New(cmd.Context(), ".", name, lang)
			if errors.Is(err, scaffold.ErrExists) {
				return hint(err, "choose another name, or remove it first")
			}
			if err != nil {
				return fmt.Errorf("new %s: %w", name, err)
			}
			w := cmd.ErrOrStderr()
			fmt.Fprintf(w, "cell: created %s: %s\n", made.Dir, strings.Join(made.Files, ", "))
			if made.Module != "" {
				fmt.Fprintf(w, "cell: %s\n", made.Module)
			}
			fmt.Fprintf(w, "cell: test it: (cd %s && %s)\n", made.Dir, lang.Test)
			fmt.Fprintf(w, "cell: call it while \"cell up\" runs: "+
				"cell build && echo hi | cell connect %s\n", name)
			return nil
		},
	}
	cmd.Flags().StringVar(&in, "lang", "go", "`LANGUAGE` of the cell: go, python or sh")
	return cmd
}
