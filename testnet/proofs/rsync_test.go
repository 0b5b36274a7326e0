package proofs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// rsync's daemon is a cell in mode stdio, as inetd would start it; rsync calls it by
// "cell connect", and copies both ways.
func TestRsync(t *testing.T) {
	t.Parallel()
	rsync := need(t, "rsync", "rsync")
	near, far := pair(t)
	random := rand.NewChaCha8([32]byte{2})
	for i := range 200 {
		text := make([]byte, 100*i)
		random.Read(text)
		hometest.Write(t, filepath.Join(far.Home, "data", fmt.Sprint(i%7), fmt.Sprint(i)),
			string(text))
	}
	config := fmt.Sprintf("use chroot = no\n[data]\npath = %s\nread only = no\n",
		filepath.Join(far.Home, "data"))
	if os.Geteuid() == 0 {
		config = "uid = root\ngid = root\n" + config
	}
	hometest.Write(t, filepath.Join(far.Home, "rsyncd.conf"), config)
	far.dna(t, "files", "#!/bin/sh\nexec rsync --daemon --config=\"$CELL_HOME/rsyncd.conf\"\n",
		`mode = "stdio"`)

	t.Run("down", func(t *testing.T) {
		near.run(t, "", "env", "RSYNC_CONNECT_PROG=cell connect files@far", rsync, "-a",
			"rsync://far/data/", "copy/")
		near.run(t, "", "diff", "-r", filepath.Join(far.Home, "data"), "copy")
	})
	t.Run("up", func(t *testing.T) {
		hometest.Write(t, filepath.Join(near.Home, "copy", "new"), "words")
		check(t, os.RemoveAll(filepath.Join(near.Home, "copy", "3")))
		near.run(t, "", "env", "RSYNC_CONNECT_PROG=cell connect files@far", rsync, "-a", "--delete",
			"copy/", "rsync://far/data/")
		near.run(t, "", "diff", "-r", filepath.Join(far.Home, "data"), "copy")
	})
}
