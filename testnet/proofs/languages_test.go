package proofs

import (
	"fmt"
	"path/filepath"
	"testing"
)

// A call goes through cells of three languages and two machines, there and back: sh calls
// Python on the other machine, which calls Go. Each adds its name to what it was given,
// and again to the answer.
func TestThreeLanguages(t *testing.T) {
	t.Parallel()
	near, far := pair(t)
	sdk, err := filepath.Abs("../../sdk")
	check(t, err)
	near.dna(t, "shell", fmt.Sprintf(`#!/bin/sh
. %s/sh/cell.sh
read -r words
echo "sh($(cell_ask snake@far "$words, sh"))"
`, sdk), `mode = "stdio"`)
	far.dna(t, "snake", fmt.Sprintf(`#!%s
import sys
sys.path.insert(0, "%s/python")
import cell
for caller in cell.listen("snake"):
    with caller, cell.connect("gopher") as callee:
        words = b"".join(iter(lambda: caller.recv(4096), b"")).strip()
        callee.sendall(words + b", python")
        callee.shutdown(1)
        answer = b"".join(iter(lambda: callee.recv(4096), b""))
        caller.sendall(b"python(" + answer + b")")
`, python(t), sdk), "")
	far.goDNA(t, "gopher", "go-cell")
	if got := near.run(t, "words\n", "cell", "connect",
		"shell"); got != "sh(python(go(words, sh, python)))\n" {
		t.Errorf("the answer is %q", got)
	}
	// And the other way round: Go calls sh on the other machine.
	if got, err := far.goRun(t, "words\n", "go-call",
		"shell@near"); got != "sh(python(go(words, sh, python)))\n" || err != nil {
		t.Errorf("the answer is %q, %v", got, err)
	}
}
