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

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/testnet/local"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// However many call a cell that is not running, from wherever, it is started once and all
// are answered.
func TestCrowd(t *testing.T) {
	dir := hometest.Dir(t)
	here := localtest.Up(t, filepath.Join(dir, "h"))
	one := localtest.Up(t, filepath.Join(dir, "a"), "--bootstrap", here.Addr("quic-v1"))
	two := localtest.Up(t, filepath.Join(dir, "b"), "--bootstrap", here.Addr("tcp"))
	check(t, putDNA(here.Home, "echo", "echo"))
	localtest.Run(t, here, "trust", one.ID, "--cells", "echo")
	localtest.Run(t, here, "trust", two.ID, "--cells", "echo")

	var callers sync.WaitGroup
	start := make(chan struct{})
	for i := range 100 {
		from := []*local.Stem{here, one, two}[i%3]
		callers.Go(func() {
			<-start
			said := fmt.Sprintf("I am %d", i)
			heard, err := ask(t, from.Home, "echo@"+here.ID, said)
			if err != nil || heard != said {
				t.Errorf("caller %d heard %q, %v", i, heard, err)
			}
		})
	}
	close(start)
	callers.Wait()
	starts, err := os.ReadFile(filepath.Join(here.Home, "starts"))
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
	answer, err := stemclient.Ask(t.Context(), h, wire.Request{Verb: wire.Open, Object: address})
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
