package links

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// Another user of this machine cannot connect to a socket, in any folder, and is refused even if
// the mode of the socket allows it.
func TestOtherUsersAreKeptOut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	perl, err := exec.LookPath("perl")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	for folder := dir; folder != os.TempDir(); folder = filepath.Dir(folder) {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h := hometest.New(t)
	l, _ := run(t, h, answers)
	at := add(t, l, listenOf(t, filepath.Join(dir, "s")), "db@laptop")
	dialAs := func(uid uint32) string {
		cmd := exec.Command(perl, "-MIO::Socket::UNIX", "-e",
			`$s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "no: $!"; print $s "words"; $s->shutdown(1); print <$s>`, at.String())
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	if got := dialAs(0); got != "db@laptop heard words" {
		t.Fatalf("its owner gets %q", got)
	}
	if got := dialAs(65534); !strings.HasPrefix(got, "no: Permission denied") {
		t.Errorf("another user gets %q", got)
	}
	if err := os.Chmod(at.String(), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := dialAs(65534); got != "" {
		t.Errorf("another user, with mode 0666, gets %q", got)
	}
}
