package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// newRoot lists the commands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "cell COMMAND",
		Short: "Reach a program on another machine by its name",
		Long: `cell makes a program on any machine reachable by its name: no DNS, no account,
no server and no port forward. A program that is not running is started.

ADDRESS is a cell's name (retina), or a name at a peer: its ID (retina@12D3KooW…),
your name for it (retina@laptop), an IP address or DNS name (retina@192.168.1.5), or a
multiaddr. @FILE is the address in a file.`,
		Example:           `  cell demo`,
		Version:           thisBuild().String(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}, // ours has other words
		Args:              noSuchCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetUsageTemplate(usage)
	root.SetVersionTemplate("cell {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return misuse(badFlag(err), fmt.Sprintf("%q lists the flags", cmd.CommandPath()+" --help"))
	})
	group(root, "The stem", upCommand(), installCommand(), uninstallCommand(), statusCommand(),
		doctorCommand(), idCommand(), keyCommand())
	group(root, "Calling cells", connectCommand(), linkCommand(), forwardCommand(), unlinkCommand(),
		pingCommand(), findCommand(),
		forgetCommand(), callsCommand())
	group(root, "Cells of this machine", lsCommand(), newCommand(), buildCommand(), runCommand(),
		exposeCommand(), hideCommand(),
		stopCommand(), logsCommand())
	group(root, "Who may call", inviteCommand(), invitesCommand(), joinCommand(), trustCommand(),
		untrustCommand(), shareCommand(),
		peersCommand(), renameCommand())
	group(root, "To try out", demoCommand(), testnetCommand(), benchCommand())
	group(root, "Besides", completionCommand(), manCommand(), versionCommand())
	completeAll(root)
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Hidden = true // it works, and --help is the one to tell of
	help.Args = func(_ *cobra.Command, args []string) error {
		found, rest, _ := root.Find(args)
		return noSuchCommand(found, rest)
	}
	return root
}

// group adds commands, which are listed together.
func group(root *cobra.Command, title string, cmds ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, cmd := range cmds {
		cmd.GroupID = title
		root.AddCommand(cmd)
	}
}

// usage is cobra's template with the example where it is seen: at the end.
const usage = `Usage:
  {{.UseLine}}{{if .HasAvailableSubCommands}}{{$all := .Commands}}{{range .Groups}}{{$title := .ID}}

{{.Title}}:{{range $all}}{{if and (eq .GroupID $title) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{else}}

Commands:{{range $all}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}

"{{.CommandPath}} COMMAND --help" says more of each.{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasExample}}

Example:
{{.Example}}{{end}}
`

// badFlag says of a flag that takes a number or a duration what a person would.
func badFlag(err error) error {
	if flag, _, isDuration := strings.Cut(err.Error(), " flag: time: "); isDuration {
		return errors.New(flag + " flag: it is no duration, as in 90s or 2m")
	}
	var number *strconv.NumError
	if !errors.As(err, &number) {
		return err
	}
	why := "it is no number"
	if errors.Is(err, strconv.ErrRange) {
		why = "it is too large a number"
	}
	return errors.New(strings.Replace(err.Error(), number.Error(), why, 1))
}

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := fmt.Sprintf("%q lists the commands", cmd.CommandPath()+" --help")
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %q?", cmd.CommandPath()+" "+near[0])
	}
	if args[0] == "down" && !cmd.HasParent() {
		hint = downHint(cmd.Context())
	}
	return misuse(fmt.Errorf("unknown command %q", args[0]), hint)
}

// exactly takes that many arguments, named as in the usage line.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		wants := strings.Join(names, " ")
		if wants == "" {
			wants = "no argument"
		}
		return misuse(fmt.Errorf("%s takes %s, and was given %s", cmd.CommandPath(), wants,
			count(len(args), "argument")),
			fmt.Sprintf("%q says more", cmd.CommandPath()+" --help"))
	}
}

// upTo takes one argument, named as in the usage line, or none.
func upTo(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= 1 {
			return nil
		}
		return misuse(fmt.Errorf("%s takes one %s or none, and was given %s", cmd.CommandPath(),
			name, count(len(args), "argument")),
			fmt.Sprintf("%q says more", cmd.CommandPath()+" --help"))
	}
}

// hinted is an error with its remedy.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// hint adds a remedy to an error.
func hint(err error, remedy string) error { return hinted{err, remedy} }

// errMisuse marks errors that are the command line's fault.
var errMisuse = errors.New("misuse")

type misused struct{ error }

func (m misused) Is(target error) bool { return target == errMisuse }
func (m misused) Unwrap() error        { return m.error }

// misuse makes an error one that exits with 2.
func misuse(err error, remedy string) error { return hinted{misused{err}, remedy} }

// report says what went wrong and returns the exit code.
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
