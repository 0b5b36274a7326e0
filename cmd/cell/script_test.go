package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cell-mesh/cell/testnet/local"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// The scripts in testdata drive the real program, and real cells beside it. Each tells one story.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"home":    cmdHome,
			"dna":     cmdDNA,
			"up":      cmdUp,
			"down":    cmdDown,
			"kill9":   cmdKill9,
			"on":      cmdOn,
			"server":  cmdServer,
			"waitfor": cmdWaitFor,
			"raw":     cmdRaw,
			"reset":   cmdReset,
			"refused": cmdRefused,
			"gotool":  cmdGoTool,
			"follow":  cmdFollow,
		},
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, "CELL_HOME="+filepath.Join(env.WorkDir, "h"))
			env.Defer(func() { endTestnet(filepath.Join(env.WorkDir, "t")) })
			return nil
		},
	})
}

// machines are those of the scripts whose stems run, by their homes.
var machines sync.Map

// TestMain makes the test binary the program "cell", and each of the test cells, by the
// name it is started under.
func TestMain(m *testing.M) {
	programs := map[string]func(){"cell": main}
	for name, serve := range testCells {
		programs[name] = func() { os.Exit(runTestCell(name, serve)) }
	}
	testscript.Main(m, programs)
}

// homeOf is the home of a machine of a script.
func homeOf(ts *testscript.TestScript, machine string) string {
	return filepath.Join(ts.Getenv("WORK"), machine)
}

// home MACHINE: commands that follow live in that machine's home.
func cmdHome(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: home MACHINE")
	}
	ts.Setenv("CELL_HOME", homeOf(ts, args[0]))
}

// on MACHINE PROGRAM ARG...: exec in that machine's home.
func cmdOn(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: on MACHINE PROGRAM ARG...")
	}
	was := ts.Getenv("CELL_HOME")
	ts.Setenv("CELL_HOME", homeOf(ts, args[0]))
	err := ts.Exec(args[1], args[2:]...)
	ts.Setenv("CELL_HOME", was)
	if neg && err == nil {
		ts.Fatalf("unexpected success")
	}
	if !neg && err != nil {
		ts.Fatalf("%v", err)
	}
}

// follow MACHINE REGEXP ARG...: runs "cell ARG..." in that machine's home until it prints
// a line that matches, within 20 s.
func cmdFollow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: follow MACHINE REGEXP ARG...")
	}
	want := regexp.MustCompile(args[1])
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := cellCommand(ctx, homeOf(ts, args[0]), args[2:]...)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	defer cmd.Wait()
	defer cancel()
	var seen strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); fmt.Fprintln(&seen, lines.Text()) {
		if want.MatchString(lines.Text()) {
			return
		}
	}
	ts.Fatalf("%s: no line matches %s in\n%s", strings.Join(args[2:], " "), args[1], &seen)
}

// gotool: lets the go command be run, with what it has in its caches and nothing from outside.
func cmdGoTool(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: gotool")
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		value, err := exec.Command("go", "env", name).Output()
		ts.Check(err)
		ts.Setenv(name, strings.TrimSpace(string(value)))
	}
	ts.Setenv("GOPROXY", "off")
	ts.Setenv("GOFLAGS", "")
}

// dna MACHINE CELL [AS]: puts one of the test cells into the machine's store.
func cmdDNA(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 || !isTestCell(args[1]) {
		ts.Fatalf("usage: dna MACHINE CELL [AS]")
	}
	ts.Check(putDNA(homeOf(ts, args[0]), args[1], args[len(args)-1]))
}

// putDNA makes a test cell startable as name. The program tells which cell it is by what
// it is called, so a cell under another name is a script that calls it.
func putDNA(home, cell, name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	store := filepath.Join(home, "dna")
	if err := os.MkdirAll(store, 0o700); err != nil {
		return err
	}
	if cell == name {
		return os.Symlink(self, filepath.Join(store, name))
	}
	hidden := filepath.Join(home, cell)
	if err := os.Symlink(self, hidden); err != nil && !os.IsExist(err) {
		return err
	}
	script := "#!/bin/sh\nexec " + hidden + ` "$@"` + "\n"
	return os.WriteFile(filepath.Join(store, name), []byte(script), 0o700)
}

// up MACHINE FLAG...: runs the machine's stem on loopback without mDNS, until the script
// ends, and waits until it is ready. Sets $MACHINE_ID, and $MACHINE_QUIC and $MACHINE_TCP
// to its multiaddrs.
func cmdUp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: up MACHINE FLAG...")
	}
	m := &local.Stem{Home: homeOf(ts, args[0]), Cell: "cell", Mesh: "test"}
	ts.Defer(m.Kill)
	ts.Defer(func() { localtest.KillCells(m.Home) })
	ts.Check(m.Start(context.Background(), args[1:]...))
	machines.Store(m.Home, m)
	ts.Setenv(args[0]+"_ID", m.ID)
	ts.Setenv(args[0]+"_QUIC", m.Addr("quic-v1"))
	ts.Setenv(args[0]+"_TCP", m.Addr("tcp"))
}

func runningStem(ts *testscript.TestScript, neg bool, args []string) *local.Stem {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: down or kill9 MACHINE")
	}
	m, ok := machines.LoadAndDelete(homeOf(ts, args[0]))
	if !ok {
		ts.Fatalf("%s is not up", args[0])
	}
	return m.(*local.Stem)
}

// down MACHINE: asks the stem to end, and waits until it has, in good order.
func cmdDown(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(runningStem(ts, neg, args).Stop())
}

// kill9 MACHINE: ends the stem without asking.
func cmdKill9(ts *testscript.TestScript, neg bool, args []string) {
	runningStem(ts, neg, args).Kill()
}

func interrupted() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}
