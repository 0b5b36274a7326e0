package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/testnet/bench"
)

// Every row is measured once, and 10,000 bridges are open at once between two stems over
// one QUIC port, all of which answer. How fast, is of no account here. The program is
// built without the race detector, which bears 8,128 goroutines.
func TestBench(t *testing.T) {
	cell := filepath.Join(hometest.Dir(t), "cell")
	if out, err := exec.Command("go", "build", "-o", cell, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var said, table bytes.Buffer
	cmd := exec.CommandContext(t.Context(), cell, "bench", "--quick", "--json")
	cmd.Stdout, cmd.Stderr = &table, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	t.Logf("%s", &said)
	var rows []bench.Row
	if err := json.Unmarshal(table.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Got < 0 || row.Unit == "" || row.What == "" {
			t.Errorf("an odd row: %+v", row)
		}
		t.Logf("%s: %.3g %s (%s)", row.What, row.Got, row.Unit, row.Note)
	}
	for _, kind := range bench.Kinds() {
		if !strings.Contains(said.String(), "measured "+kind+" ") {
			t.Errorf("%s was not measured", kind)
		}
	}
}
