package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/testnet/local"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// linked runs two stems of which the near one may call a cell of the far one, which it calls b.
func linked(t *testing.T, cell string) (near, far *local.Stem) {
	dir := hometest.Dir(t)
	far = localtest.Up(t, filepath.Join(dir, "b"))
	near = localtest.Up(t, filepath.Join(dir, "a"), "--bootstrap", far.Addr("quic-v1"))
	check(t, putDNA(far.Home, cell, cell))
	localtest.Run(t, far, "trust", near.ID, "--cells", cell)
	localtest.Run(t, near, "trust", far.ID, "--as", "b")
	return near, far
}

// A call that is cut, at the far end or by "cell unlink", is reset at the port: half an
// answer must not pass for a whole one.
func TestForwardTellsCut(t *testing.T) {
	t.Parallel()
	near, far := linked(t, "source")
	forward := func() (at string, conn net.Conn) {
		at = strings.TrimSpace(localtest.Run(t, near, "forward", "source@b"))
		conn, err := net.Dial("tcp", at)
		check(t, err)
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprintln(conn, 1000)
		_, err = io.ReadFull(conn, make([]byte, 1000))
		check(t, err)
		return at, conn
	}
	at, unlinked := forward()
	_, cut := forward()
	localtest.Run(t, near, "unlink", at)
	far.Kill()
	for _, conn := range []net.Conn{unlinked, cut} {
		if rest, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read %q, %v, want a reset", rest, err)
		}
	}
}

// A server that breaks off cuts the call that it was exposed to, all the way to the caller.
func TestServerBreaksOff(t *testing.T) {
	t.Parallel()
	near, far := linked(t, "echo")
	server, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	var serving sync.WaitGroup
	t.Cleanup(func() { server.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "half")
			conn.Read(make([]byte, 1)) // it has come as far as the caller
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	})
	localtest.Run(t, far, "expose", "half", server.Addr().String())
	localtest.Run(t, far, "trust", near.ID, "--cells", "half")

	conn, err := net.Dial("tcp", strings.TrimSpace(localtest.Run(t, near, "forward", "half@b")))
	check(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, err = io.ReadFull(conn, make([]byte, len("half")))
	check(t, err)
	fmt.Fprint(conn, "x")
	if rest, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read %q, %v, want a reset", rest, err)
	}

	for s, why := range map[*local.Stem]string{near: "the other end broke off",
		far: `the cell could not finish the call: see "cell logs half"`} {
		cmd := cellCommand(t.Context(), s.Home, "connect", "half@"+far.ID)
		var said strings.Builder
		cmd.Stderr = &said
		in, err := cmd.StdinPipe()
		check(t, err)
		out, err := cmd.StdoutPipe()
		check(t, err)
		check(t, cmd.Start())
		_, err = io.ReadFull(out, make([]byte, len("half")))
		check(t, err)
		fmt.Fprint(in, "x")
		if err := cmd.Wait(); err == nil || !strings.Contains(said.String(), "was cut: "+why+"\n") {
			t.Errorf("from %s: %q, %v", s.Home, said.String(), err)
		}
	}
}

// Hundreds of calls by a link and a forward are all answered, and the stems hold nothing
// of them afterwards.
func TestLinkLeaksNothing(t *testing.T) {
	t.Parallel()
	near, far := linked(t, "echo")
	forward := strings.TrimSpace(localtest.Run(t, near, "forward", "echo@b"))
	link := strings.TrimSpace(localtest.Run(t, near, "link", "echo@b"))
	say := func(n int) error {
		network, at := "tcp", forward
		if n%2 == 1 {
			network, at = "unix", link
		}
		conn, err := net.Dial(network, at)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		said := fmt.Sprintf("I am %d", n)
		fmt.Fprint(conn, said)
		conn.(interface{ CloseWrite() error }).CloseWrite()
		if heard, err := io.ReadAll(conn); string(heard) != said {
			return fmt.Errorf("heard %q, %w", heard, err)
		}
		return nil
	}
	check(t, say(0))
	before := map[*local.Stem]int{near: files(t, near), far: files(t, far)}
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			for i := range 15 {
				if err := say(n*15 + i); err != nil {
					t.Errorf("call %d: %v", n*15+i, err)
				}
			}
		})
	}
	all.Wait()
	for s, want := range before {
		for try := 0; files(t, s) > want; try++ {
			if try == 1000 {
				t.Fatalf("the stem in %s holds %d files, and held %d before", s.Home, files(t, s),
					want)
			}
			// a stream's end is acknowledged soon, and tells nobody
			time.Sleep(10 * time.Millisecond)
		}
	}
	if status := localtest.Run(t, near, "status", "--json"); strings.Contains(status,
		`"refused":`) || strings.Contains(status, `"calls":1`) {
		t.Errorf("the status is %s", status)
	}
}

// files counts the file descriptors of a stem.
func files(t *testing.T, s *local.Stem) int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
	check(t, err)
	return len(entries)
}
