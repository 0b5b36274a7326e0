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
		Short: "print a script that completes commands in a shell",
		Long: `Prints a script for SHELL, which is bash, zsh, fish or powershell: it completes commands and
flags, the names of cells, your names for peers, and links. Nobody is asked over the network.

    bash        source <(cell completion bash)           in ~/.bashrc; needs bash-completion
    zsh         source <(cell completion zsh)            in ~/.zshrc, behind compinit
    fish        cell completion fish | source            in ~/.config/fish/config.fish
    powershell  cell completion powershell | Out-String | Invoke-Expression`,
		Example:   `  source <(cell completion bash)`,
		Args:      exactly("SHELL"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				// What stands before an @ is part of the word.
				io.WriteString(w, "COMP_WORDBREAKS=${COMP_WORDBREAKS//@/}\n")
				return root.GenBashCompletionV2(w, true)
			case "zsh":
				return root.GenZshCompletion(w)
			case "fish":
				return root.GenFishCompletion(w, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(w)
			}
			return misuse(fmt.Errorf("there is no completion for %q", args[0]),
				"SHELL is one of "+strings.Join(shells, ", "))
		},
	}
}

// completeAll has the arguments and flags of all commands completed, by what their usage
// lines call them.
func completeAll(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		completeAll(sub)
	}
	// it names them
	cmd.DisableFlagsInUseLine = strings.Contains(cmd.Use, "[-") || strings.Contains(cmd.Use, "--")
	if cmd.ValidArgsFunction == nil && cmd.ValidArgs == nil && !cmd.HasSubCommands() {
		takes := argumentsOf(cmd.Use)
		if only := map[string]string{"stop": "RUNNING", "hide": "EXPOSED"}[cmd.Name()]; only != "" {
			takes[0] = only
		}
		cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			next := len(args)
			if strings.HasSuffix(cmd.Use, "…") { // the last one again and again
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
				func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
					return complete(word, begun)
				})
		}
	}
}

// argumentsOf returns what a usage line calls each of the arguments, without its flags,
// and what stands behind -- or for another use behind |. One that may be left out can be
// the next one as well.
func argumentsOf(usage string) (takes []string) {
	words := strings.Fields(usage)[1:]
	if end := slices.IndexFunc(words, func(word string) bool {
		return word == "--" ||
			word == "|"
	}); end >= 0 {
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

// complete returns what a word that has begun may become, from the files of the home
// alone. A word may be of several kinds, as in PEER|ADDRESS.
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
			how = cobra.ShellCompDirectiveDefault // or a file
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

// cellNames are those of the cells that could grow here, and of those that have a socket.
func cellNames(h home.Home) (names []string) {
	for _, cell := range dna.List(h) {
		names = append(names, cell.String())
	}
	sockets, _ := filepath.Glob(filepath.Join(h.RunDir(), "*.sock")) // errs only on a bad pattern
	for _, path := range sockets {
		if cell, err := address.ParseName(strings.TrimSuffix(filepath.Base(path),
			".sock")); err == nil {
			names = append(names, cell.String())
		}
	}
	return names
}

// exposed are the cells that stand for a server.
func exposed(h home.Home) (names []string) {
	for _, cell := range dna.List(h) {
		if settings, err := dna.Read(h, cell); err == nil && settings.Mode == dna.Forward {
			names = append(names, cell.String())
		}
	}
	return names
}

// oneMore continues words with commas between them by each of those that are not among them.
func oneMore(begun string, words []string) []string {
	before := begun[:strings.LastIndexByte(begun, ',')+1]
	said := strings.Split(before, ",")
	return prefixed(before, slices.DeleteFunc(words, func(word string) bool {
		return slices.Contains(said, word)
	}))
}

// petnames have the IDs behind them, which shells show beside them.
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
