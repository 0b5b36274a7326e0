package proofs

import (
	"fmt"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// sshd is a cell in mode stdio, as inetd would start it; ssh reaches it with "cell
// connect" as its ProxyCommand, and rsync over that, whatever lies between the machines.
func TestSSH(t *testing.T) {
	t.Parallel()
	sshd, ssh, keygen := need(t, "sshd", "openssh-server"), need(t, "ssh",
		"openssh-client"), need(t, "ssh-keygen", "openssh-client")
	rsync := need(t, "rsync", "rsync")
	near, far := pair(t)
	far.run(t, "", keygen, "-q", "-t", "ed25519", "-N", "", "-f", "host")
	near.run(t, "", keygen, "-q", "-t", "ed25519", "-N", "", "-f", "key")
	far.run(t, "", "cp", filepath.Join(near.Home, "key.pub"), "authorized")
	hometest.Write(t, filepath.Join(far.Home, "sshd_config"), fmt.Sprintf(
		"HostKey %[1]s/host\nAuthorizedKeysFile %[1]s/authorized\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\n", far.Home))
	far.dna(t, "sshd", fmt.Sprintf("#!/bin/sh\ntest $(id -u) = 0 && mkdir -p /run/sshd\nexec %s -i -f \"$CELL_HOME/sshd_config\" -E \"$CELL_HOME/sshd.log\"\n", sshd),
		`mode = "stdio"`)

	who, err := user.Current()
	check(t, err)
	login := strings.Join([]string{ssh, "-F", "none", "-i", filepath.Join(near.Home, "key"), "-o",
		"StrictHostKeyChecking=accept-new",
		"-o", "UserKnownHostsFile=" + filepath.Join(near.Home,
			"known"), "-o", "LogLevel=ERROR", "-l", who.Username}, " ")
	command := append(strings.Fields(login), "-o", "ProxyCommand=cell connect sshd@far", "far",
		"tr a-z A-Z; echo done >&2; exit 0")
	if got, err := near.try(t, "some words\n", command...); got != "SOME WORDS\n" || err != nil {
		log := far.run(t, "", "cat", "sshd.log")
		t.Fatalf("ssh hears %q, %v\n%s", got, err, log)
	}
	hometest.Write(t, filepath.Join(near.Home, "data", "file"), strings.Repeat("words", 100_000))
	near.run(t, "", rsync, "-a", "-e", login+" -o 'ProxyCommand=cell connect sshd@far'", "data/",
		"far:"+filepath.Join(far.Home, "data")+"/")
	near.run(t, "", "diff", "-r", "data", filepath.Join(far.Home, "data"))
}
