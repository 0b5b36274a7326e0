package adapter

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket"
)

// TestMain runs a wrapper in mode FD if the environment says so: the program takes this
// process's place.
func TestMain(m *testing.M) {
	if script := os.Getenv("WRAP_TEST_FD"); script != "" {
		h, err := home.Default()
		cell, _ := address.ParseName("greet")
		if err == nil {
			err = Adapter{Home: h, Cell: cell,
				Settings: dna.Settings{Mode: dna.FD, Env: []string{"MINE=1"},
					Dir: "/"}, Program: []string{"sh", "-c", script},
				Stderr: os.Stderr}.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(7)
	}
	goleak.VerifyTestMain(m)
}

// patience bounds what should take no time at all, so that a hang fails and names its test.
const patience = 30 * time.Second

// wrapper runs a wrapper for the test, and returns its socket, its log, and what ends it
// and returns how it ended.
func wrapper(t *testing.T, settings dna.Settings, most int,
	program ...string) (path, log string, end func() error) {
	t.Helper()
	h, cell := hometest.New(t), addresstest.Name("greet")
	stderr, err := os.Create(h.Log(cell))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		defer stderr.Close()
		ended <- Adapter{Home: h, Cell: cell, Settings: settings, Program: program, Stderr: stderr,
			Most: most}.Run(ctx)
	}()
	end = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { end() })
	path, _ = h.Socket(cell)
	for range 3000 {
		if alive, _ := socket.Alive(path); alive {
			return path, h.Log(cell), end
		}
		select {
		case err := <-ended:
			ended <- err
			return path, h.Log(cell), end
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("it does not listen")
	return
}

func dial(t *testing.T, path, peer string) *net.UnixConn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var conn *net.UnixConn
	var err error
	if peer == "" {
		conn, err = socket.Dial(ctx, path)
	} else {
		conn, err = socket.DialFrom(ctx, path, socket.NewCallerName(peer))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// ask says text, ends, and returns the whole answer.
func ask(t *testing.T, path, peer, text string) string {
	t.Helper()
	conn := dial(t, path, peer)
	io.WriteString(conn, text)
	conn.CloseWrite()
	heard, err := io.ReadAll(conn)
	if err != nil {
		t.Error(err)
	}
	return string(heard)
}

func wantLog(t *testing.T, path, want string) {
	t.Helper()
	var text []byte
	for range 500 {
		if text, _ = os.ReadFile(path); strings.Contains(string(text), want) {
			return
		}
		time.Sleep(10 * time.Millisecond) // the program's last words may come after its answer
	}
	t.Errorf("the log is %q, without %q", text, want)
}

const peer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

// The call is the program's stdin and stdout, its stderr is the log, and it learns who calls.
func TestStdio(t *testing.T) {
	path, log, _ := wrapper(t, dna.Settings{Mode: dna.Stdio, Env: []string{"GREETING=hello"},
		Dir: "/"}, 0,
		"sh", "-c", `n=$(wc -c); echo "$GREETING $CELL_CALLER, $((n)) bytes, $CELL_NAME `+
			`$CELL_STARTED$LISTEN_FDS in $PWD"; echo grumble >&2; exit 3`)
	if got, want := ask(t, path, peer, "word"),
		"hello "+peer+", 4 bytes, greet  in /\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	wantLog(t, log, "grumble\n")
	wantLog(t, log, "cell: greet: a call from "+peer+": exit status 3\n")
	if got, want := ask(t, path, "", ""), fmt.Sprintf("hello local pid %d uid %d, 0 bytes",
		os.Getpid(), os.Getuid()); !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A direction that has ended leaves the other open, and a program that writes as it reads
// is answered as it does: it has the socket itself, in blocking mode.
func TestStdioConverses(t *testing.T) {
	path, _, _ := wrapper(t, dna.Settings{Mode: dna.Stdio}, 0, "cat")
	conn := dial(t, path, "")
	buf := make([]byte, 4)
	for range 3 {
		time.Sleep(5 * time.Millisecond) // in which a stdin in non-blocking mode would have failed
		io.WriteString(conn, "word")
		if _, err := io.ReadFull(conn, buf); err != nil || string(buf) != "word" {
			t.Fatalf("%q, %v", buf, err)
		}
	}
	conn.CloseWrite()
	if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// Many at once are served, but no more than may be; the others wait, and none is lost.
func TestStdioIsBounded(t *testing.T) {
	dir := t.TempDir()
	path, log, _ := wrapper(t, dna.Settings{Mode: dna.Stdio, Dir: dir}, 3, "sh", "-c",
		`touch $$; ls | wc -l; cat >/dev/null; rm $$; echo bye`)
	var callers sync.WaitGroup
	for range 12 {
		callers.Go(func() {
			conn := dial(t, path, "")
			buf := make([]byte, 64)
			n, _ := conn.Read(buf)
			var atOnce int
			if fmt.Sscan(string(buf[:n]), &atOnce); atOnce < 1 || atOnce > 3 {
				t.Errorf("%d processes at once, want 1 to 3", atOnce)
			}
			time.Sleep(20 * time.Millisecond)
			conn.CloseWrite()
			if rest, err := io.ReadAll(conn); string(rest) != "bye\n" || err != nil {
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
	callers.Wait()
	wantLog(t, log, "cell: greet: 3 calls are open, the limit: new calls wait until one of them "+
		"ends\n")
}

// Whoever ends the cell has the calls under way end, and is not kept waiting by a program
// that does not care, nor the caller by what that has started.
func TestEnd(t *testing.T) {
	path, _, end := wrapper(t, dna.Settings{Mode: dna.Stdio}, 0, "sh", "-c",
		`trap "" TERM; echo here; sleep 1000; echo never`)
	conn := dial(t, path, "")
	conn.Read(make([]byte, 8))
	began := time.Now()
	if err := end(); err != nil || time.Since(began) < grace ||
		time.Since(began) > grace+10*time.Second {
		t.Errorf("ended after %v: %v", time.Since(began), err)
	}
	if alive, _ := socket.Alive(path); alive {
		t.Error("its socket is still held")
	}
	if n, err := conn.Read(make([]byte, 8)); err != io.EOF {
		t.Errorf("the call goes on: %d, %v", n, err)
	}
}

// It leaves when nobody calls, without a complaint.
func TestIdle(t *testing.T) {
	path, _, end := wrapper(t, dna.Settings{Mode: dna.Stdio, Idle: time.Millisecond}, 0, "cat")
	if got := ask(t, path, "", "word"); got != "word" {
		t.Errorf("got %q", got)
	}
	for range 3000 {
		if alive, _ := socket.Alive(path); !alive {
			if err := end(); err != nil {
				t.Error(err)
			}
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("it does not leave")
}

// What can't be run is said before anybody calls.
func TestBadProgram(t *testing.T) {
	for program, want := range map[string]string{
		"/no/such/program":     "no such file",
		"no-such-program-here": "executable file not found",
		"/etc":                 "is a directory",
		"/etc/passwd":          "is not executable",
	} {
		for _, mode := range []dna.Mode{dna.Stdio, dna.FD} {
			_, _, end := wrapper(t, dna.Settings{Mode: mode}, 0, program)
			if err := end(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s in mode %s: %v, want %q", program, mode, err, want)
			}
		}
	}
}

// The program is the process itself: it has the socket as file descriptor 3, and nothing
// else that was ours.
func TestFD(t *testing.T) {
	dir := hometest.Dir(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "CELL_HOME="+dir, "CELL_STARTED=1", "CELL_NAME=greet",
		"LISTEN_FDS=9",
		`WRAP_TEST_FD=echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES $$ $MINE `+
			`"$CELL_WRAP_VACATED$CELL_STARTED" $PWD; for f in /proc/self/fd/*; do readlink $f; `+
			`done; exec sleep 1000`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	buf := make([]byte, 4096)
	text := ""
	for !strings.Contains(text, "socket:") {
		n, err := out.Read(buf)
		if text += string(buf[:n]); err != nil {
			t.Fatalf("%q, %v", text, err)
		}
	}
	pid := cmd.Process.Pid
	if want := fmt.Sprintf("1 %d greet %d 1  /\n", pid, pid); !strings.HasPrefix(text, want) {
		t.Errorf("it was told %q, want %q", text, want)
	}
	if n := strings.Count(text, "socket:"); n != 1 || strings.Contains(text, "eventpoll") {
		t.Errorf("it has %q, want one socket", text)
	}
	path := filepath.Join(dir, "run", "greet.sock")
	conn := dial(t, path, "")
	if owner, _, err := socket.Owner(conn); owner != pid || err != nil {
		t.Errorf("the socket is said to be of process %d, %v, want %d", owner, err, pid)
	}
}

// Each direction of a server's connection ends by itself, over TCP and over a Unix socket.
func TestForward(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		at := "127.0.0.1:0"
		if network == "unix" {
			at = filepath.Join(t.TempDir(), "s")
		}
		server, err := net.Listen(network, at)
		if err != nil {
			t.Fatal(err)
		}
		var serving sync.WaitGroup
		serving.Go(func() {
			for {
				conn, err := server.Accept()
				if err != nil {
					return
				}
				serving.Go(func() { // answers once it has read everything
					defer conn.Close()
					text, _ := io.ReadAll(conn)
					fmt.Fprintf(conn, "%d bytes", len(text))
				})
			}
		})
		path, log, end := wrapper(t, dna.Settings{Mode: dna.Forward,
			Target: dna.Target{Network: network, Address: server.Addr().String()}}, 0)
		for range 3 {
			if got := ask(t, path, "", strings.Repeat("x", 300000)); got != "300000 bytes" {
				t.Errorf("%s: got %q", network, got)
			}
		}
		server.Close()
		serving.Wait()
		if got := ask(t, path, peer, ""); got != "" {
			t.Errorf("%s: a server that is gone says %q", network, got)
		}
		wantLog(t, log, "cell: greet: a call from "+peer+": the server does not answer: dial "+
			""+network)
		if err := end(); err != nil {
			t.Error(err)
		}
	}
}

// A server that resets the connection, and a caller that is cut, end the call on both sides.
func TestForwardCut(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	path, log, _ := wrapper(t, dna.Settings{Mode: dna.Forward,
		Target: dna.Target{Network: "tcp", Address: server.Addr().String()}}, 0)
	conn := dial(t, path, peer)
	far, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	far.(*net.TCPConn).SetLinger(0)
	far.Close()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the call goes on")
	}
	wantLog(t, log, "connection reset by peer")
}
