package stem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// newHome makes a home with dna, and ends the cells that answer in it after the test.
func newHome(t *testing.T, dna ...string) home.Home {
	t.Helper()
	h := hometest.New(t)
	t.Cleanup(func() { endCells(h) })
	for _, cell := range dna {
		plant(t, h, cell)
	}
	return h
}

// plant makes the test binary the dna of a cell, in one step, as an installer does.
func plant(t *testing.T, h home.Home, cell string) {
	t.Helper()
	binary, err := os.Executable()
	hidden := h.DNA(name(cell)) + ".new"
	if err == nil {
		err = os.Symlink(binary, hidden)
	}
	if err == nil {
		err = os.Rename(hidden, h.DNA(name(cell)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// endCells kills whoever answers at the home's sockets, and returns who that was.
func endCells(h home.Home) (pids []int) {
	paths, _ := filepath.Glob(filepath.Join(h.RunDir(), "*.sock"))
	once, cancel := context.WithCancel(context.Background())
	cancel()
	for _, path := range paths {
		conn, err := socket.Dial(once, path)
		if err != nil {
			continue
		}
		pid, _, err := socket.Owner(conn)
		conn.Close()
		if process, _ := os.FindProcess(pid); err == nil && pid != os.Getpid() &&
			process.Kill() == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// runFactory runs the factory of a home until the test ends, or stop is called.
func runFactory(t *testing.T, h home.Home) (f *factory, stop func()) {
	t.Helper()
	f = newFactory(h, testID(1), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	stop = func() {
		if cancel(); ended != nil {
			if err := <-ended; err != nil {
				t.Errorf("the factory ended with %v", err)
			}
		}
		ended = nil
	}
	t.Cleanup(stop)
	return f, stop
}

func newFactoryWith(t *testing.T, dna ...string) *factory {
	t.Helper()
	f, _ := runFactory(t, newHome(t, dna...))
	return f
}

// talk connects to a cell, sends words, and returns what comes back.
func talk(f *factory, cell string, caller Caller, words string) (string, error) {
	stream, err := f.Connect(context.Background(), name(cell), caller)
	if err != nil {
		return "", err
	}
	return exchange(stream, words)
}

func mustTalk(t *testing.T, f *factory, cell string) {
	t.Helper()
	if got, err := talk(f, cell, Caller{}, "hello"); got != "hello" || err != nil {
		t.Fatalf("%s answers %q, %v", cell, got, err)
	}
}

func exchange(stream pipe.Stream, words string) (string, error) {
	defer stream.Close()
	if _, err := stream.Write([]byte(words)); err != nil && !errors.Is(err, pipe.ErrStopped) {
		return "", err
	}
	stream.CloseWrite()
	got, err := io.ReadAll(stream)
	return string(got), err
}

// starts returns a line for each cell that was started in the home: its arguments and its process.
func starts(h home.Home) []string {
	text, _ := os.ReadFile(filepath.Join(h.String(), "starts"))
	return strings.Split(strings.TrimSuffix(string(text), "\n"),
		"\n")[:strings.Count(string(text), "\n")]
}

func wantStarts(t *testing.T, h home.Home, want int) {
	t.Helper()
	if got := starts(h); len(got) != want {
		t.Errorf("%d starts, want %d: %q", len(got), want, got)
	}
}

// pidOf returns the process of the n-th start.
func pidOf(t *testing.T, h home.Home, n int) (pid int) {
	t.Helper()
	all := starts(h)
	if n >= len(all) {
		t.Fatalf("%d starts: %q", len(all), all)
	}
	line := all[n]
	if _, err := fmt.Sscan(line[strings.LastIndex(line, " ")+1:], &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

// write puts a file in the home at once, as an editor does.
func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	err := os.WriteFile(path+"~", []byte(text), mode)
	if err == nil {
		err = os.Rename(path+"~", path)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func wantRefusal(t *testing.T, err error, code wire.Code, words ...string) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	for _, some := range words {
		if !strings.Contains(err.Error(), some) {
			t.Errorf("the reason %q does not say %q", err, some)
		}
	}
}
