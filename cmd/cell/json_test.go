package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// Whatever lists or shows something can do so in JSON: as one value, or as a line for
// each. What there is to see here is two peers, a call, an invite and a cell.
func TestJSON(t *testing.T) {
	dir := hometest.Dir(t)
	here := localtest.Up(t, filepath.Join(dir, "h"))
	there := localtest.Up(t, filepath.Join(dir, "a"), "--bootstrap", here.Addr("quic-v1"))
	check(t, putDNA(here.Home, "echo", "echo"))
	localtest.Run(t, here, "trust", there.ID, "--as", "there", "--cells", "echo")
	localtest.Run(t, there, "trust", here.ID, "--as", "here", "--cells", "*")
	localtest.Run(t, here, "invite", "--cells", "echo")
	if _, err := ask(t, there.Home, "echo@here", "hello"); err != nil {
		t.Fatal(err)
	}
	awaitCall(t, here.Home)
	t.Setenv("CELL_HOME", here.Home)
	arguments := map[string][][]string{ // of those that want any, or may have some
		"ls":   {{}, {"@there"}},
		"ping": {{"there"}},
		"find": {{"there"}},
	}
	for _, cmd := range newRoot().Commands() {
		if cmd.Flags().Lookup("json") == nil {
			for _, verb := range []string{"list ", "show "} {
				if strings.HasPrefix(cmd.Short, verb) {
					t.Errorf("%q has no --json", cmd.CommandPath())
				}
			}
			continue
		}
		if cmd.Name() == "bench" { // it takes minutes, and has a test of its own
			continue
		}
		tries := arguments[cmd.Name()]
		if tries == nil {
			tries = [][]string{{}}
		}
		for _, args := range tries {
			isJSON(t, cmd, args)
		}
	}
}

// awaitCall waits until a call is in the home's list of them, which it is some time after
// it has ended.
func awaitCall(t *testing.T, home string) {
	t.Helper()
	follow := cellCommand(t.Context(), home, "calls", "--follow")
	out, err := follow.StdoutPipe()
	check(t, err)
	check(t, follow.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	follow.Process.Kill()
	follow.Wait()
	check(t, err)
}

func isJSON(t *testing.T, cmd *cobra.Command, args []string) {
	var stdout, stderr bytes.Buffer
	args = append([]string{cmd.Name(), "--json"}, args...)
	if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Errorf("cell %s: exit %d\n%s", strings.Join(args, " "), code, &stderr)
	}
	text := stdout.String()
	decoder := json.NewDecoder(&stdout)
	seen := 0
	for ; ; seen++ {
		var value any
		if err := decoder.Decode(&value); err == io.EOF {
			break
		} else if err != nil {
			t.Errorf("cell %s: %v\n%s", strings.Join(args, " "), err, text)
			return
		}
	}
	if seen == 0 || !strings.HasSuffix(text, "\n") {
		t.Errorf("cell %s: %d values in %q", strings.Join(args, " "), seen, text)
	}
}
