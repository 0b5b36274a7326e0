package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/knownplaces"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/process"
	"github.com/cell-mesh/cell/testnet/bench"
	"github.com/cell-mesh/cell/testnet/scenario"
)

func completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "print a shell completion script",
		Long: `Prints a script that completes commands, flags, cell names, petnames and links
in SHELL. It never uses the network. To load it at startup:

  bash        in ~/.bashrc, with bash-completion installed:
              source <(cell completion bash)
  zsh         in ~/.zshrc, after compinit:
              source <(cell completion zsh)
  fish        in ~/.config/fish/config.fish:
              cell completion fish | source
  powershell  in $PROFILE:
              cell completion powershell | Out-String | Invoke-Expression`,
		Example:   `  source <(cell completion bash)`,
		Args:      exactly("SHELL"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				// NAME@ is part of the word NAME@PEER.
				io.WriteString(w, "COMP_WORDBREAKS=${COMP_WORDBREAKS//@/}\n")
				return root.GenBashCompletionV2(w, true)
			case "zsh":
				return root.GenZshCompletion(w)
			case "fish":
				return root.GenFishCompletion(w, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(w)
			}
			return misuse(fmt.Errorf("no completion for shell %q", args[0]),
				"SHELL is one of "+strings.Join(shells, ", "))
		},
	}
}

// completeAll sets up completion for the arguments and flags of all commands, by the names
// that their usage lines give them.
func completeAll(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		completeAll(sub)
	}
	// don't add "[flags]" if the usage line names the flags, or if there are none but --help
	cmd.DisableFlagsInUseLine = strings.Contains(cmd.Use, "[-") ||
		strings.Contains(cmd.Use, "--") || !cmd.HasAvailableFlags()
	if cmd.ValidArgsFunction == nil && cmd.ValidArgs == nil && !cmd.HasSubCommands() {
		takes := argumentsOf(cmd.Use)
		if only := map[string]string{"stop": "RUNNING", "hide": "EXPOSED"}[cmd.Name()]; only != "" {
			takes[0] = only
		}
		cmd.ValidArgsFunction = func(_ *cobra.Command, args []string,
			begun string) ([]string, cobra.ShellCompDirective) {
			next := len(args)
			if strings.HasSuffix(cmd.Use, "…") { // the last argument repeats
				next = min(next, len(takes)-1)
			}
			if next >= len(takes) {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return complete(takes[next], begun)
		}
	}
	for flag, word := range map[string]string{"cells": "NAMES", "to": "PEER", "as": "",
		"mesh": "MESH", "relay": "WHOM", "mode": "MODE", "lang": "LANGUAGE",
		"only": "KINDS", "revoke": map[string]string{"invite": "INVITE"}[cmd.Name()]} {
		if cmd.Flags().Lookup(flag) != nil {
			cmd.RegisterFlagCompletionFunc(flag,
				func(_ *cobra.Command, _ []string, begun string) ([]string,
					cobra.ShellCompDirective) {
					return complete(word, begun)
				})
		}
	}
}

// argumentsOf returns the names of the arguments in a usage line. It leaves out flags, and
// what follows -- or |. An optional argument may also be the next one: A|B.
func argumentsOf(usage string) (takes []string) {
	words := strings.Fields(usage)[1:]
	isEnd := func(word string) bool { return word == "--" || word == "|" }
	if end := slices.IndexFunc(words, isEnd); end >= 0 {
		words = words[:end]
	}
	inFlag, optional := false, false
	for _, word := range words {
		inFlag = inFlag || strings.HasPrefix(word, "[-")
		if !inFlag {
			bare := strings.Trim(word, "[]…")
			if optional {
				takes[len(takes)-1] += "|" + bare
			}
			takes = append(takes, bare)
			optional = strings.HasPrefix(word, "[")
		}
		inFlag = inFlag && !strings.HasSuffix(word, "]")
	}
	return takes
}

// complete returns the completions of a word, from the files in the home alone. kinds may
// name several, such as PEER|ADDRESS.
func complete(kinds, begun string) (all []string, how cobra.ShellCompDirective) {
	how = cobra.ShellCompDirectiveNoFileComp
	h, err := home.Default()
	if err != nil {
		return nil, how
	}
	for kind := range strings.SplitSeq(kinds, "|") {
		switch kind {
		case "NAME":
			all = append(all, cellNames(h)...)
		case "RUNNING":
			for _, cell := range process.List(h) {
				all = append(all, cell.Name.String())
			}
		case "EXPOSED":
			all = append(all, exposed(h)...)
		case "NAMES":
			all = append(all, oneMore(begun, cellNames(h))...)
			how |= cobra.ShellCompDirectiveNoSpace
		case "KINDS":
			all = append(all, oneMore(begun, bench.Kinds())...)
			how |= cobra.ShellCompDirectiveNoSpace
		case "INVITE":
			invites, _ := invite.ReadAll(h, time.Now())
			for _, i := range invites {
				all = append(all, i.ID+"\t"+describeGrant(i.Cells))
			}
		case "SCENARIO":
			all = append(all, scenario.Shipped()...)
			how = cobra.ShellCompDirectiveDefault // files too
		case "PEER":
			all = append(all, petnames(h)...)
		case "@PEER":
			all = append(all, prefixed("@", petnames(h))...)
		case "ADDRESS":
			if name, _, ok := strings.Cut(begun, "@"); ok {
				all = append(all, prefixed(name+"@", petnames(h))...)
			} else {
				all = append(all, cellNames(h)...)
				how |= cobra.ShellCompDirectiveNoSpace
			}
		case "PLACE":
			known, _ := knownplaces.List(h)
			all = append(all, known...)
		case "DIR":
			return nil, cobra.ShellCompDirectiveFilterDirs
		case "FILE":
			return nil, cobra.ShellCompDirectiveDefault
		case "MESH":
			all = append(all, "public", "none")
		case "WHOM":
			all = append(all, "trusted", "public", "none")
		case "MODE":
			all = append(all, "stdio", "fd")
		case "LANGUAGE":
			all = append(all, "go", "python", "sh")
		}
	}
	all = slices.DeleteFunc(all, func(word string) bool { return !strings.HasPrefix(word, begun) })
	slices.Sort(all)
	return slices.Compact(all), how
}

// cellNames lists the cells here: those with dna, and those with a socket.
func cellNames(h home.Home) (names []string) {
	for _, cell := range dna.List(h) {
		names = append(names, cell.String())
	}
	sockets, _ := filepath.Glob(filepath.Join(h.RunDir(), "*.sock")) // errs only on a bad pattern
	for _, path := range sockets {
		cell, err := address.ParseName(strings.TrimSuffix(filepath.Base(path), ".sock"))
		if err == nil {
			names = append(names, cell.String())
		}
	}
	return names
}

// exposed lists the cells that forward to a server.
func exposed(h home.Home) (names []string) {
	for _, cell := range dna.List(h) {
		if settings, err := dna.Read(h, cell); err == nil && settings.Mode == dna.Forward {
			names = append(names, cell.String())
		}
	}
	return names
}

// oneMore completes a comma-separated list with each word that it does not contain yet.
func oneMore(begun string, words []string) []string {
	before := begun[:strings.LastIndexByte(begun, ',')+1]
	said := strings.Split(before, ",")
	return prefixed(before, slices.DeleteFunc(words, func(word string) bool {
		return slices.Contains(said, word)
	}))
}

// petnames lists the petnames, each with the ID as its description.
func petnames(h home.Home) (names []string) {
	all, _ := peers.ReadAll(h)
	for _, peer := range all {
		names = append(names, peer.Petname.String()+"\t"+peer.ID.String())
	}
	return names
}

func prefixed(prefix string, words []string) []string {
	for i, word := range words {
		words[i] = prefix + word
	}
	return words
}
