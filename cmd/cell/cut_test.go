package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/synapse"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// A transfer that is cut at the far end must never look like one that ended: whoever
// reads is told, however much had been carried, in whichever direction, over either
// transport, through the SDK and on the command line.
func TestCut(t *testing.T) {
	for _, transport := range []string{"quic-v1", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			dir := hometest.Dir(t)
			far := localtest.Up(t, filepath.Join(dir, "b"))
			near := localtest.Up(t, filepath.Join(dir, "a"))
			for _, cell := range []string{"source", "sink"} {
				check(t, putDNA(far.Home, cell, cell))
			}
			localtest.Run(t, far, "trust", near.ID, "--cells", "*")
			t.Setenv("CELL_HOME", near.Home)

			// All transfers stand, with their bytes carried, when the far stem is killed.
			var carried, ended sync.WaitGroup
			for _, size := range []int{0, 1, 64 << 10, 10 << 20} {
				for _, cell := range []string{"source", "sink"} {
					x := transfer{cell: cell, at: far.Addr(transport), size: size}
					for _, by := range []func(*testing.T, transfer, func()){cutSynapse,
						cutConnect} {
						carried.Add(1)
						ended.Go(func() { by(t, x, sync.OnceFunc(carried.Done)) })
					}
				}
			}
			carried.Wait()
			if !strings.Contains(localtest.Run(t, near, "status"),
				"out "+strings.TrimSuffix(transport, "-v1")) {
				t.Errorf("the transfers did not go over %s", transport)
			}
			far.Kill()
			ended.Wait()
		})
	}
}

// A cell that can't finish its answer says so, and its caller is told, on another machine
// and on its own, if the stem is between them.
func TestReset(t *testing.T) {
	dir := hometest.Dir(t)
	far := localtest.Up(t, filepath.Join(dir, "b"))
	near := localtest.Up(t, filepath.Join(dir, "a"))
	check(t, putDNA(far.Home, "torn", "torn"))
	localtest.Run(t, far, "trust", near.ID, "--cells", "torn")
	for _, transport := range []string{"quic-v1", "tcp"} {
		t.Setenv("CELL_HOME", near.Home)
		wantReset(t, "torn@"+far.Addr(transport))
	}
	t.Setenv("CELL_HOME", far.Home)
	wantReset(t, "torn@"+far.ID)
}

func wantReset(t *testing.T, addr string) {
	t.Helper()
	conn, err := synapse.Dial(t.Context(), addr)
	check(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(conn, make([]byte, len("half"))); err != nil {
		t.Errorf("%s: %v", addr, err)
	}
	fmt.Fprint(conn, "x")
	if rest, err := io.ReadAll(conn); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%s: read %q, %v, want a cut", addr, rest, err)
	}
}

type transfer struct {
	cell, at string
	size     int
}

func (x transfer) String() string  { return fmt.Sprintf("%s %d bytes", x.cell, x.size) }
func (x transfer) address() string { return x.cell + "@" + x.at }

// input is what the caller sends: an order for a source, the bytes themselves for a sink.
func (x transfer) input() []byte {
	if x.cell == "source" {
		return fmt.Appendf(nil, "%d\n", x.size)
	}
	input := make([]byte, x.size)
	rand.Read(input)
	return input
}

// carried says whether all the bytes have arrived where they should, given all that the
// caller has got so far.
func (x transfer) carried(got []byte) bool {
	if x.cell == "source" {
		return len(got) >= x.size
	}
	return x.size == 0 || bytes.HasSuffix(got, fmt.Appendf(nil, "%d\n", x.size))
}

// cutSynapse makes the transfer with the SDK, calls carried once its bytes are, and
// expects to be told of the cut.
func cutSynapse(t *testing.T, x transfer, carried func()) {
	defer carried()
	conn, err := synapse.Dial(t.Context(), x.address())
	if err != nil {
		t.Errorf("%v: %v", x, err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	go conn.Write(x.input()) // a deadline bounds it; what it carried is seen below
	var got []byte
	buf := make([]byte, 64<<10)
	for {
		if x.carried(got) {
			carried()
		}
		n, err := conn.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() == io.ErrUnexpectedEOF.Error() {
				t.Errorf("%v: read ended with %q, want %q and a reason", x, err,
					io.ErrUnexpectedEOF)
			}
			return
		}
	}
}

// cutConnect makes the transfer with `cell connect`, and expects it to exit with 1 and a reason.
func cutConnect(t *testing.T, x transfer, carried func()) {
	defer carried()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := cellCommand(ctx, os.Getenv("CELL_HOME"), "connect", x.address())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Error(err)
		return
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Error(err)
		return
	}
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	go stdin.Write(x.input()) // stays open: the direction that is written is not at its end either
	var got []byte
	buf := make([]byte, 64<<10)
	for err == nil {
		if x.carried(got) {
			carried()
		}
		var n int
		n, err = stdout.Read(buf)
		got = append(got, buf[:n]...)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("%v: cell connect exited with %d, want 1", x, code)
	}
	// Of the reason no more can be said than that there is one: the connection is lost in
	// many ways.
	want := regexp.MustCompile(`^cell: error: the call to .* was cut: [^\n]+\n$`)
	if said := stderr.String(); !want.MatchString(said) || strings.Contains(said, "EOF") {
		t.Errorf("%v: cell connect said %q, want one line with a reason", x, said)
	}
}

// cellCommand is the program cell in a home.
func cellCommand(ctx context.Context, home string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Args[0] = "cell"
	cmd.Env = append(os.Environ(), "CELL_HOME="+home)
	return cmd
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
