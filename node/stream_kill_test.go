package node

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node/internal/nettest"
)

// TestKilledPeer kills a process, so that the kernel closes its sockets and nothing else is
// sent. The clean end of a TCP connection is not the end of the streams on it. (On QUIC
// nothing arrives at all: see TestSilence.)
func TestKilledPeer(t *testing.T) {
	// the kernel sends FIN for the first, and perhaps RST for the second
	for _, manner := range []string{"quiet", "flood"} {
		t.Run(manner, func(t *testing.T) { testKilledPeer(t, manner) })
	}
}

func testKilledPeer(t *testing.T, manner string) {
	child := exec.Command(os.Args[0], "-test.run=^TestHelperVictim$")
	child.Env = append(os.Environ(), "CELL_TEST_VICTIM="+manner)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	var to string
	if _, err := fmt.Fscan(out, &to); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(to, "/p2p/")
	id, err := address.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, Config{})
	s, err := n.Open(nettest.Context(t), id, mustPlace(t, to))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "go")
	if _, err := io.CopyN(io.Discard, s, 1<<20); err != nil {
		t.Fatal(err)
	}
	child.Process.Kill()
	expectCut(t, s)
}

// TestHelperVictim is the process that TestKilledPeer kills. It sends 1 MiB, and then either
// endless data or nothing.
func TestHelperVictim(t *testing.T) {
	manner := os.Getenv("CELL_TEST_VICTIM")
	if manner == "" {
		t.Skip("runs as a child of TestKilledPeer")
	}
	n := startNode(t, Config{})
	came := accept(t, n)
	fmt.Println(at(t, n, "tcp"))
	s := nettest.Receive(t, came)
	s.Write(make([]byte, 1<<20))
	for manner == "flood" {
		if _, err := s.Write(make([]byte, 32<<10)); err != nil {
			return
		}
	}
	<-time.After(nettest.Wait) // killed by then
}
