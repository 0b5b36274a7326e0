package build

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// An interrupted build leaves no process, and all as it was, also of the cells that had
// been built already.
func TestInterrupted(t *testing.T) {
	h := hometest.New(t)
	dir := tree(t, map[string]string{
		"cells/quick/cell.toml": `build = "printf '#!/bin/sh\n' >$CELL_OUT"`,
		// One child goes on in the background, and heeds no interrupt, as children of sh do.
		"cells/slow/cell.toml": `build = "echo $$ >>../../pids; sleep 600 & echo $! ` +
			`>>../../pids; echo x >$CELL_OUT; sleep 600"`,
	})
	check(t, syscall.Mkfifo(dir+"/pids", 0o600))
	told, err := os.OpenFile(dir+"/pids", os.O_RDWR|syscall.O_NONBLOCK, 0)
	check(t, err)
	defer told.Close()
	check(t, told.SetReadDeadline(time.Now().Add(time.Minute)))
	ctx, cancel := context.WithCancel(t.Context())
	var quick sync.WaitGroup
	quick.Add(1)
	var running sync.WaitGroup
	running.Go(func() {
		_, err = Run(ctx, Config{Home: h, Ended: func(r Result) {
			if r.Name.String() == "quick" {
				quick.Done()
			}
		}}, found(t, dir))
	})
	quick.Wait()
	pids := make([]string, 2)
	_, missing := fmt.Fscan(told, &pids[0], &pids[1])
	cancel()
	running.Wait()
	if err == nil {
		t.Fatal("no error")
	}
	check(t, missing)
	for _, pid := range pids {
		number, err := strconv.Atoi(pid)
		check(t, err)
		if !ended(number) {
			t.Errorf("process %d is left", number)
		}
	}
	if left, _ := os.ReadDir(h.DNADir()); len(left) != 0 {
		t.Errorf("in dna/ is %v", left)
	}
	hometest.Write(t, dir+"/cells/slow/cell.toml", `build = "printf '#!/bin/sh\n' >$CELL_OUT"`)
	expect(t, "afterwards", built(t, Config{Home: h}, dir), "quick changed, slow changed")
}

// ended says whether a process ends within seconds; an orphan that was killed has to be
// reaped by somebody first.
func ended(pid int) bool {
	for range 500 {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if syscall.Kill(pid, 0) == syscall.ESRCH || strings.Contains(string(stat), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// What a command leaves running does not hold up the build, even if it holds its output.
func TestLeftRunning(t *testing.T) {
	h := hometest.New(t)
	dir := tree(t, map[string]string{
		"cells/lens/cell.toml": `build = "sleep 600 & echo $! >../../pid; printf '#!/bin/sh\n' ` +
			`>$CELL_OUT"`,
	})
	expect(t, "with a daemon", built(t, Config{Home: h}, dir), "lens changed")
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, dir+"/pid")))
	check(t, err)
	check(t, syscall.Kill(pid, syscall.SIGKILL))
}
