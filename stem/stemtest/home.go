// Package stemtest has what the tests of stem, gate, germinate and policy share: homes, cells
// that are the test binary itself, and checks. Only tests import it.
package stemtest

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
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/capability"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// Discard is a log that keeps nothing.
var Discard = slog.New(slog.DiscardHandler)

// Patience is the limit for what takes milliseconds on an idle machine.
const Patience = 20 * time.Second

// Eventually waits for what sends no event.
func Eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(Patience)
	for !happened() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after %v still not: %s", Patience, what)
		}
	}
}

// Home makes a home with dna. After the test it kills the cells that run there.
func Home(t *testing.T, dna ...string) home.Home {
	t.Helper()
	h := hometest.New(t)
	t.Cleanup(func() { EndCells(h) })
	for _, cell := range dna {
		Plant(t, h, cell)
	}
	return h
}

// Plant makes the test binary the dna of a cell, by a rename, as an installer does.
func Plant(t *testing.T, h home.Home, cell string) {
	t.Helper()
	binary, err := os.Executable()
	hidden := h.DNA(addresstest.Name(cell)) + ".new"
	if err == nil {
		err = os.Symlink(binary, hidden)
	}
	if err == nil {
		err = os.Rename(hidden, h.DNA(addresstest.Name(cell)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// EndCells kills the processes that answer at the home's sockets, and returns their IDs.
func EndCells(h home.Home) (pids []int) {
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

// Exchange sends words, ends its side and returns what comes back.
func Exchange(stream pipe.Stream, words string) (string, error) {
	defer stream.Close()
	if _, err := stream.Write([]byte(words)); err != nil && !errors.Is(err, pipe.ErrStopped) {
		return "", err
	}
	stream.CloseWrite()
	got, err := io.ReadAll(stream)
	return string(got), err
}

// Starts returns a line for each cell that was started in the home: its arguments and process ID.
func Starts(h home.Home) []string {
	text, _ := os.ReadFile(filepath.Join(h.String(), "starts"))
	return strings.Split(strings.TrimSuffix(string(text), "\n"),
		"\n")[:strings.Count(string(text), "\n")]
}

// WantStarts checks how many cells were started in the home.
func WantStarts(t *testing.T, h home.Home, want int) {
	t.Helper()
	if got := Starts(h); len(got) != want {
		t.Errorf("%d starts, want %d: %q", len(got), want, got)
	}
}

// PID returns the process ID of the n-th start.
func PID(t *testing.T, h home.Home, n int) (pid int) {
	t.Helper()
	all := Starts(h)
	if n >= len(all) {
		t.Fatalf("%d starts: %q", len(all), all)
	}
	line := all[n]
	if _, err := fmt.Sscan(line[strings.LastIndex(line, " ")+1:], &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

// Write replaces a file by a rename, as an editor does.
func Write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	err := os.WriteFile(path+"~", []byte(text), mode)
	if err == nil {
		err = os.Rename(path+"~", path)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// WantRefusal checks the code of a refusal, and that its reason contains some words.
func WantRefusal(t *testing.T, err error, code wire.Code, words ...string) {
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

// PeerFile is the path of a peer's file.
func PeerFile(h home.Home, petname string) string {
	return filepath.Join(h.PeersDir(), petname+".toml")
}

// GrantText is what a user writes to let peer n reach cells.
func GrantText(n int, cells string) string {
	return fmt.Sprintf("id = %q\ncells = [%s]\n", addresstest.ID(n), cells)
}

// Issuer is a machine that can make keys.
type Issuer struct {
	ID   address.ID
	sign func([]byte) ([]byte, error)
}

// NewIssuer returns the same machine for each seed.
func NewIssuer(seed byte) Issuer {
	id, sign := addresstest.Signer(seed)
	return Issuer{id, sign}
}

// Key makes a key.
func (i Issuer) Key(serial, cell string, to address.ID, expires time.Time) string {
	k := capability.Key{Serial: serial, Cell: addresstest.Name(cell), To: to, Expires: expires}
	text, err := capability.Sign(k, i.sign)
	if err != nil {
		panic(err)
	}
	return text
}
