package proofs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// A git repository is a cell by one line of sh in mode stdio; git clones from it, and
// pushes to it, over "cell connect".
func TestGit(t *testing.T) {
	t.Parallel()
	git := need(t, "git", "git")
	near, far := pair(t)
	const config = "[user]\nname = n\nemail = n@example.org\n[protocol \"ext\"]\nallow = always\n[init]\ndefaultBranch = main\n"
	hometest.Write(t, filepath.Join(near.Home, ".gitconfig"), config)
	hometest.Write(t, filepath.Join(far.Home, ".gitconfig"), config)
	far.run(t, "", git, "init", "-q", "work")
	for _, name := range []string{"one", "two", "folder/three"} {
		hometest.Write(t, filepath.Join(far.Home, "work", name), strings.Repeat(name+"\n", 20_000))
	}
	far.run(t, "", git, "-C", "work", "add", ".")
	far.run(t, "", git, "-C", "work", "commit", "-q", "-m", "first")
	far.run(t, "", git, "clone", "-q", "--bare", "work", "repo.git")
	far.dna(t, "fetch", "#!/bin/sh\nexec git upload-pack \"$CELL_HOME/repo.git\"\n",
		`mode = "stdio"`)
	far.dna(t, "push", "#!/bin/sh\nexec git receive-pack \"$CELL_HOME/repo.git\"\n",
		`mode = "stdio"`)

	near.run(t, "", git, "clone", "-q", "ext::cell connect fetch@far", "copy")
	text, err := os.ReadFile(filepath.Join(near.Home, "copy", "folder", "three"))
	if err != nil || string(text) != strings.Repeat("folder/three\n", 20_000) {
		t.Errorf("the clone has %d bytes, %v", len(text), err)
	}
	hometest.Write(t, filepath.Join(near.Home, "copy", "four"), "new")
	near.run(t, "", git, "-C", "copy", "add", ".")
	near.run(t, "", git, "-C", "copy", "commit", "-q", "-m", "second")
	near.run(t, "", git, "-C", "copy", "push", "-q", "ext::cell connect push@far", "main")
	head := near.run(t, "", git, "-C", "copy", "rev-parse", "main")
	if got := far.run(t, "", git, "-C", "repo.git", "rev-parse", "main"); got != head {
		t.Errorf("the repository is at %s, and was pushed %s", got, head)
	}
}
