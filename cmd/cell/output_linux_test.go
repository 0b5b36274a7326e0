package main

import (
	"os"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// What can't be written is an error, whatever the command.
func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	check(t, err)
	defer full.Close()
	stem := localtest.Up(t, hometest.Dir(t))
	for _, args := range []string{"id", "version", "--help", "invite", "peers", "ls", "doctor",
		"ls --json", "completion bash", "testnet run home-and-server --print", "share echo"} {
		cmd := cellCommand(t.Context(), stem.Home, strings.Fields(args)...)
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = full, &said
		err := cmd.Run()
		if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(said.String(), "no space left") {
			t.Errorf("cell %s: %v, %q", args, err, said.String())
		}
	}
}
