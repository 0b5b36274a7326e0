package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newRoot builds the command tree.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "cell COMMAND",
		Short: "Reach a program on another machine by its name",
		Long: `cell makes a program on any machine reachable by its name: no DNS, no account,
no server and no port forwarding. A program that is not running is started.

ADDRESS names a cell on this machine (retina) or on a peer. Name the peer by its
petname (retina@laptop), its ID (retina@12D3KooW…), an IP address or DNS name
(retina@192.168.1.5) or a multiaddr. @FILE stands for the address in FILE.`,
		Example:           `  cell demo`,
		Version:           thisBuild().String(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}, // we have our own
		Args:              noSuchCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetUsageTemplate(usage)
	root.SetVersionTemplate("cell {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return misuse(err, fmt.Sprintf("%q lists the flags", cmd.CommandPath()+" --help"))
	})
	group(root, "The stem", upCommand(), installCommand(), uninstallCommand(), statusCommand(),
		doctorCommand(), idCommand(), keyCommand())
	group(root, "Call cells", connectCommand(), linkCommand(), forwardCommand(), unlinkCommand(),
		pingCommand(), findCommand(), forgetCommand(), callsCommand())
	group(root, "Cells on this machine", lsCommand(), newCommand(), buildCommand(), runCommand(),
		exposeCommand(), hideCommand(), stopCommand(), logsCommand())
	group(root, "Who may call", inviteCommand(), invitesCommand(), joinCommand(), trustCommand(),
		untrustCommand(), shareCommand(), peersCommand(), renameCommand())
	group(root, "Try it out", demoCommand(), testnetCommand(), benchCommand())
	group(root, "Other", completionCommand(), manCommand(), versionCommand())
	completeAll(root)
	printHelp := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Value.Type() == "bool" {
				flag.Value = onOff{flag.Value}
			}
		})
		printHelp(cmd, args)
	})
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Hidden = true // --help is enough to list
	help.Args = func(_ *cobra.Command, args []string) error {
		found, rest, _ := root.Find(args)
		return noSuchCommand(found, rest)
	}
	return root
}

// group adds commands that the help lists under one title.
func group(root *cobra.Command, title string, cmds ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, cmd := range cmds {
		cmd.GroupID = title
		root.AddCommand(cmd)
	}
}

// usage is cobra's template, with the example last, where it is seen best.
const usage = `Usage:
  {{.UseLine}}{{if .HasAvailableSubCommands}}{{$all := .Commands}}{{range .Groups}}{{$title := .ID}}

{{.Title}}:{{range $all}}{{if and (eq .GroupID $title) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{else}}

Commands:{{range $all}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}

Run "{{.CommandPath}} COMMAND --help" for more about a command.{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasExample}}

Example:
{{.Example}}{{end}}
`

// onOff is a flag without a value. pflag prints --json[=true|false] for a "bool".
type onOff struct{ pflag.Value }

func (onOff) Type() string { return "boolfunc" }

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	remedy := fmt.Sprintf("%q lists the commands", cmd.CommandPath()+" --help")
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		remedy = fmt.Sprintf("did you mean %q?", cmd.CommandPath()+" "+near[0])
	}
	if args[0] == "down" && !cmd.HasParent() {
		remedy = downHint(cmd.Context())
	}
	return misuse(fmt.Errorf("unknown command %q", args[0]), remedy)
}

// exactly requires one argument for each name, as the usage line names them.
func exactly(names ...string) cobra.PositionalArgs {
	wants := cmp.Or(strings.Join(names, " "), "no arguments")
	return argCount(len(names), len(names), wants)
}

// upTo requires at most one argument, named as in the usage line.
func upTo(name string) cobra.PositionalArgs { return argCount(0, 1, "at most one "+name) }

func argCount(least, most int, wants string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if least <= len(args) && len(args) <= most {
			return nil
		}
		return misuse(fmt.Errorf("%s takes %s, but got %s", cmd.CommandPath(), wants,
			count(len(args), "argument")), fmt.Sprintf("see %q", cmd.CommandPath()+" --help"))
	}
}

// wrapWords joins words by commas in lines of at most width, indented by two spaces. The
// first line has its indent already.
func wrapWords(words []string, width int) string {
	text, line := "", 2
	for i, word := range words {
		if i > 0 {
			text, line = text+", ", line+2
		}
		if line+len(word)+1 > width {
			text, line = strings.TrimSuffix(text, " ")+"\n  ", 2
		}
		text, line = text+word, line+len(word)
	}
	return text
}

// hinted is an error with a remedy, which report prints as a hint.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// hint adds a remedy to an error.
func hint(err error, remedy string) error { return hinted{err, remedy} }

// errMisuse marks errors in the command line itself; they exit with 2.
var errMisuse = errors.New("misuse")

type misused struct{ error }

func (m misused) Is(target error) bool { return target == errMisuse }
func (m misused) Unwrap() error        { return m.error }

// misuse marks an error as one in the command line, and adds a remedy.
func misuse(err error, remedy string) error { return hinted{misused{err}, remedy} }

// report prints an error and its hint, and returns the exit code.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	lines := strings.Split(strings.TrimRight(err.Error(), "\n"), "\n")
	fmt.Fprintf(stderr, "cell: error: %s\n", lines[0])
	for _, line := range lines[1:] {
		fmt.Fprintf(stderr, "cell:        %s\n", line)
	}
	var h hinted
	if errors.As(err, &h) && h.hint != "" {
		fmt.Fprintf(stderr, "cell: hint: %s\n", h.hint)
	}
	if errors.Is(err, errMisuse) {
		return 2
	}
	return 1
}
