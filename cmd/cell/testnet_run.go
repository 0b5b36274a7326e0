package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/testnet/picture"
	"github.com/cell-mesh/cell/testnet/scenario"
)

// runFlags are the flags of `cell testnet run`.
type runFlags struct {
	nodes          int
	nat            string
	churn          float64
	duration, idle time.Duration
	seed           int64
	join           string
	json, report   string
	print, real    bool
}

func testnetRunCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run [SCENARIO]",
		Short: "simulate many stems, calls and failures",
		Long: `Runs real stems on a simulated network in this process, in real time, with
routers, NATs, delay, loss, calls and failures. The same seed gives the same
network, calls and events.

SCENARIO (default nat-mix) is a file NAME.toml, or one of these:
  ` + wrapWords(scenario.Shipped(), 78) + `.
Flags replace its settings. To write your own, start from what --print prints.`,
		Example: `  cell testnet run lan --report lan.html`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return upTo("SCENARIO")(cmd, args)
			}
			name := "nat-mix"
			if len(args) == 1 {
				name = args[0]
			}
			spec, err := scenario.Find(name)
			switch {
			case err != nil && filepath.Ext(name) == ".toml": // a bad file is not misuse
				return hint(err, `"cell testnet run lan --print" shows a valid one`)
			case err != nil:
				return misuse(err, `for example: cell testnet run lan`)
			}
			if err := flags.apply(cmd, len(args) == 1, &spec); err != nil {
				return err
			}
			if flags.print {
				text, err := spec.TOML()
				cmd.OutOrStdout().Write(text)
				return err
			}
			return flags.run(cmd, name, spec)
		},
	}
	f := cmd.Flags()
	f.IntVar(&flags.nodes, "nodes", 0, "run `N` nodes, if the scenario's groups have shares")
	f.StringVar(&flags.nat, "nat", "", "networks: `MIX` is none (all public) or mix")
	f.Float64Var(&flags.churn, "churn", 0, "replace a `SHARE` of nodes per minute, such as 0.1")
	f.DurationVar(&flags.duration, "duration", 0,
		"make calls for `TIME`, such as 2m")
	f.DurationVar(&flags.idle, "idle", 0, "first measure for `TIME` what idle nodes send")
	f.Int64Var(&flags.seed, "seed", 0, "`NUMBER` for the random choices")
	f.StringVar(&flags.join, "join", "", "join by `HOW`: natural (default) or preset")
	f.BoolVar(&flags.real, "real", false, "use processes in network namespaces (Linux, as root)")
	f.StringVar(&flags.json, "json", "", "write figures as JSON to `FILE`, or - for stdout")
	f.StringVar(&flags.report, "report", "", "write a page with charts to `FILE.html`")
	f.BoolVar(&flags.print, "print", false, "print the scenario as TOML and exit")
	return cmd
}

// apply changes the scenario by the flags.
func (r runFlags) apply(cmd *cobra.Command, named bool, spec *scenario.Spec) error {
	given := cmd.Flags().Changed
	switch {
	case r.nat != "" && r.nat != "none" && r.nat != "mix":
		return misuse(fmt.Errorf("--nat %q: must be mix or none", r.nat), "for example: --nat none")
	case r.nat == "mix" && named:
		return misuse(errors.New("--nat mix can't be used with a SCENARIO: it has its own NATs"),
			"leave out one of the two")
	case r.nat == "none":
		spec.Public()
	}
	if r.join != "" && r.join != scenario.Natural && r.join != scenario.Preset {
		return misuse(fmt.Errorf("--join %q: must be natural or preset", r.join),
			"for example: --join preset")
	}
	for flag, wrong := range map[string]bool{"duration": given("duration") && r.duration <= 0,
		"idle": r.idle < 0} {
		if wrong {
			return misuse(fmt.Errorf("--%s %s: must be positive", flag, cmd.Flag(flag).Value),
				"for example: --"+flag+" 2m")
		}
	}
	if !(r.churn >= 0 && r.churn <= scenario.MaxChurn) {
		return misuse(fmt.Errorf("--churn %v: must be from 0 to %v", r.churn, scenario.MaxChurn),
			"for example: --churn 0.1")
	}
	if r.json == "-" && r.report == "-" {
		return misuse(errors.New("--json and --report can't both be -"),
			"for example: --json - --report page.html")
	}
	if given("duration") {
		spec.Duration.Duration = r.duration
	}
	if given("idle") {
		spec.Idle.Duration = r.idle
	}
	if given("seed") {
		spec.Seed = r.seed
	}
	if r.churn > 0 {
		spec.Events = append(spec.Events, scenario.Event{Do: scenario.Churn, Rate: r.churn})
	}
	if given("nodes") {
		if err := spec.Resize(r.nodes); err != nil {
			return misuse(fmt.Errorf("--nodes %d: %w", r.nodes, err),
				`"cell testnet run NAME --print" shows the groups`)
		}
	}
	if err := spec.Check(); err != nil {
		return misuse(err, `see "cell testnet run --help"`)
	}
	return nil
}

// run runs the scenario and writes the summary and the files.
func (r runFlags) run(cmd *cobra.Command, name string, spec scenario.Spec) error {
	for _, path := range []string{r.json, r.report} {
		if err := writable(path); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	line := newProgressLine(cmd.ErrOrStderr())
	o, err := scenario.Run(cmd.Context(), spec,
		scenario.Options{Join: r.join, Real: r.real, Cell: self, Progress: line.show})
	line.end()
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted: an unfinished run has no figures")
	}
	if err != nil {
		return err
	}
	o.Scenario, o.About = name, spec.About
	figures, err := o.Summary().JSON()
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := picture.Write(&page, o, "cell testnet run "+again(cmd, name)); err != nil {
		return err
	}
	if r.json != "-" {
		printSummary(cmd.OutOrStdout(), o.Summary())
	}
	return errors.Join(write(cmd, r.json, figures), write(cmd, r.report, page.Bytes()))
}

// writable checks that a file can be written, without changing it: better now than after an
// hour of simulation.
func writable(path string) error {
	if path == "" || path == "-" {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(file.Close(), os.Remove(path))
	}
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() { // don't open a pipe twice
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return file.Close()
}

// write writes a file, or stdout for "-", or nothing for "".
func write(cmd *cobra.Command, path string, text []byte) (err error) {
	switch path {
	case "":
	case "-":
		_, err = cmd.OutOrStdout().Write(text)
	default:
		err = os.WriteFile(path, text, 0o644)
	}
	return err
}

// again is the command line that repeats the run.
func again(cmd *cobra.Command, name string) string {
	words := []string{name}
	for _, flag := range []string{"nodes", "nat", "churn", "duration", "idle", "seed", "join",
		"real"} {
		if f := cmd.Flags().Lookup(flag); f.Changed &&
			!(flag == "nat" && f.Value.String() == "mix") {
			words = append(words, fmt.Sprintf("--%s=%s", flag, f.Value))
		}
	}
	return strings.Join(words, " ")
}

// inPercent rounds down: it never says 100 % if one is missing.
func inPercent(part, whole int) string {
	if whole == 0 {
		return "none"
	}
	return fmt.Sprintf("%.2f %%", math.Floor(1e4*float64(part)/float64(whole))/100)
}
