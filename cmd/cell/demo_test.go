package main

import (
	"bufio"
	"bytes"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// The demo does the main job with the cells built from this repository, and leaves
// nothing behind but its picture.
func TestDemo(t *testing.T) {
	t.Cleanup(func() { os.Remove("edges.png") })
	cell := filepath.Join(hometest.Dir(t), "cell")
	if out, err := exec.Command("go", "build", "-o", cell, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), cell, "demo")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	for _, want := range []string{"denied", "got its edges, 640 x 480", `"edge_share":0.04`,
		"wrote ./edges.png"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the demo did not say %q:\n%s", want, &said)
		}
	}
	picture, err := os.Open("edges.png")
	check(t, err)
	defer picture.Close()
	if _, err := png.Decode(picture); err != nil {
		t.Errorf("edges.png: %v", err)
	}
	dir := regexp.MustCompile(`with homes in (\S+)`).FindStringSubmatch(said.String())[1]
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left behind: %v", dir, err)
	}
	if out, _ := exec.Command("pgrep", "-f", dir).Output(); len(out) > 0 {
		t.Errorf("processes are left behind: %s", out)
	}
}

// Ctrl-C ends it with a word of ours, and takes its homes along.
func TestDemoInterrupted(t *testing.T) {
	self, err := os.Executable()
	check(t, err)
	cmd := exec.CommandContext(t.Context(), self, "demo")
	cmd.Args[0] = "cell"
	cmd.Dir = t.TempDir()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	said := bufio.NewReader(stdout)
	first, err := said.ReadString('\n')
	check(t, err)
	check(t, cmd.Process.Signal(syscall.SIGINT))
	if _, err := io.Copy(io.Discard, said); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil || stderr.String() != "cell: error: interrupted\n" {
		t.Errorf("%v, and on stderr:\n%s", err, &stderr)
	}
	dir := regexp.MustCompile(`with homes in (\S+)`).FindStringSubmatch(first)[1]
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left behind: %v", dir, err)
	}
}
