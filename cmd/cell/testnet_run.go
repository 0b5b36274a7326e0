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
		Short: "simulate many stems, calls and trouble, and tell what came of it",
		Long: `Runs real stems on simulated machines, in this process and in real time: routers, NATs, delay
and loss between them, calls, and what goes wrong. Nothing leaves the process. The same seed
gives the same network, calls and events.

SCENARIO is a file NAME.toml, or one of ` + strings.Join(scenario.Shipped(), ", ") + `;
without one, nat-mix. "cell testnet run NAME --print" shows one, to make yours of.`,
		Example: `  cell testnet run lan --report lan.html`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return misuse(fmt.Errorf("cell testnet run takes one SCENARIO, and was given %d",
					len(args)), `as in cell testnet run lan`)
			}
			name := "nat-mix"
			if len(args) == 1 {
				name = args[0]
			}
			spec, err := scenario.Find(name)
			switch {
			case err != nil && filepath.Ext(name) == ".toml": // the file is to blame
				return hint(err, `"cell testnet run lan --print" shows one that is good`)
			case err != nil:
				return misuse(err, `as in cell testnet run lan`)
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
	f.IntVar(&flags.nodes, "nodes", 0, "`HOW MANY` nodes, for a scenario whose groups have shares")
	f.StringVar(&flags.nat, "nat", "", "where the nodes live: `MIX` is none, all being public, or mix, as on the internet, which is nat-mix")
	f.Float64Var(&flags.churn, "churn", 0, "replace this `SHARE` of the nodes by others every minute, as in 0.1")
	f.DurationVar(&flags.duration, "duration", 0,
		"how long calls go on: `TIME` as in 2m (default as the scenario says)")
	f.DurationVar(&flags.idle, "idle", 0, "first, look for that `TIME` what nodes send that have nothing to do")
	f.Int64Var(&flags.seed, "seed", 0, "another `NUMBER` leaves other things to chance (default as the scenario says)")
	f.StringVar(&flags.join, "join", "", "how nodes join: `HOW` is natural, each by itself, or preset, their tables being filled in advance (default natural)")
	f.BoolVar(&flags.real, "real", false, "run processes on networks of the kernel's, instead; as root, on Linux")
	f.StringVar(&flags.json, "json", "", "write figures as JSON to `FILE`; - is stdout")
	f.StringVar(&flags.report, "report", "", "write a page with pictures to `FILE.html`")
	f.BoolVar(&flags.print, "print", false, "print the scenario as TOML, and run nothing")
	return cmd
}

// apply changes the scenario as the flags say.
func (r runFlags) apply(cmd *cobra.Command, named bool, spec *scenario.Spec) error {
	given := cmd.Flags().Changed
	switch {
	case r.nat != "" && r.nat != "none" && r.nat != "mix":
		return misuse(fmt.Errorf("--nat %q: there is no such mix", r.nat), "write mix or none")
	case r.nat == "mix" && named:
		return misuse(errors.New("the scenario says where its nodes live, and so does --nat mix"),
			"leave out one of the two")
	case r.nat == "none":
		spec.Public()
	}
	if r.join != "" && r.join != scenario.Natural && r.join != scenario.Preset {
		return misuse(fmt.Errorf("--join %q: there is no such way", r.join),
			"write natural or preset")
	}
	for flag, wrong := range map[string]bool{"duration": given("duration") && r.duration <= 0,
		"idle": r.idle < 0} {
		if wrong {
			return misuse(fmt.Errorf("--%s %s: that is no time to go on for", flag,
				cmd.Flag(flag).Value), "as in --"+flag+" 2m")
		}
	}
	if !(r.churn >= 0 && r.churn <= scenario.MaxChurn) {
		return misuse(fmt.Errorf("--churn %v: write the share that is replaced a minute, at most %v", r.churn, scenario.MaxChurn), "as in --churn 0.1")
	}
	if r.json == "-" && r.report == "-" {
		return misuse(errors.New("--json and --report can't both have stdout"),
			"as in --json - --report page.html")
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
		return misuse(err, `"cell testnet run --help" says what the flags take`)
	}
	return nil
}

// run runs the scenario and writes what was asked for.
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
		return errors.New("interrupted: a run that is not over has no figures")
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
	if err := picture.Write(&page, o, "cell testnet run "+strings.Join(again(cmd, name),
		" ")); err != nil {
		return err
	}
	if r.json != "-" {
		printSummary(cmd.OutOrStdout(), o.Summary())
	}
	return errors.Join(r.write(cmd, r.json, figures), r.write(cmd, r.report, page.Bytes()))
}

// writable says whether a file can be written, and leaves it as it is: an hour is a long
// time to learn of a typo.
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
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() { // a pipe may not be opened twice
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return file.Close()
}

// write writes a file, or stdout for -, or nothing.
func (r runFlags) write(cmd *cobra.Command, path string, text []byte) (err error) {
	switch path {
	case "":
	case "-":
		_, err = cmd.OutOrStdout().Write(text)
	default:
		err = os.WriteFile(path, text, 0o644)
	}
	return err
}

// again is the command line, as far as it decides what happens.
func again(cmd *cobra.Command, name string) []string {
	words := []string{name}
	for _, flag := range []string{"nodes", "nat", "churn", "duration", "idle", "seed", "join",
		"real"} {
		if f := cmd.Flags().Lookup(flag); f.Changed &&
			!(flag == "nat" && f.Value.String() == "mix") {
			words = append(words, fmt.Sprintf("--%s=%s", flag, f.Value))
		}
	}
	return words
}

// inPercent does not say all where there is one exception.
func inPercent(part, whole int) string {
	if whole == 0 {
		return "none"
	}
	return fmt.Sprintf("%.2f %%", math.Floor(1e4*float64(part)/float64(whole))/100)
}
