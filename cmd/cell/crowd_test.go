package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/door"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/wire"
)

// However many call a cell that is not running, from wherever, it is started once and all are answered.
func TestCrowd(t *testing.T) {
	dir := shortDir(t)
	here := upForTest(t, filepath.Join(dir, "h"))
	one := upForTest(t, filepath.Join(dir, "a"), "--bootstrap", here.address("quic-v1"))
	two := upForTest(t, filepath.Join(dir, "b"), "--bootstrap", here.address("tcp"))
	check(t, putDNA(here.home, "echo", "echo"))
	runCell(t, here.home, "trust", one.id, "--cells", "echo")
	runCell(t, here.home, "trust", two.id, "--cells", "echo")

	var callers sync.WaitGroup
	start := make(chan struct{})
	for i := range 100 {
		from := []*testStem{here, one, two}[i%3]
		callers.Go(func() {
			<-start
			said := fmt.Sprintf("I am %d", i)
			heard, err := ask(t, from.home, "echo@"+here.id, said)
			if err != nil || heard != said {
				t.Errorf("caller %d heard %q, %v", i, heard, err)
			}
		})
	}
	close(start)
	callers.Wait()
	starts, err := os.ReadFile(filepath.Join(here.home, "starts"))
	check(t, err)
	if n := strings.Count(string(starts), "\n"); n != 1 {
		t.Errorf("the cell was started %d times, want once:\n%s", n, starts)
	}
}

// ask calls a cell through the stem of a home, and returns the whole answer.
func ask(t *testing.T, from, address, text string) (string, error) {
	h, err := home.At(from)
	if err != nil {
		return "", err
	}
	answer, err := door.Ask(t.Context(), h, wire.Request{Verb: wire.Open, Object: address})
	if err != nil {
		return "", err
	}
	defer answer.Conn.Close()
	answer.Conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(answer.Conn, text); err != nil {
		return "", err
	}
	if err := answer.Conn.CloseWrite(); err != nil {
		return "", err
	}
	heard, err := io.ReadAll(answer.Conn)
	return string(answer.Rest) + string(heard), err
}
