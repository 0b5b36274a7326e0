package main

import (
	"context"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// What stdin holds when `cell connect` begins goes along with the request, which saves a
// round trip: the other machine has it before it has given its verdict. This one gives
// none before.
func TestConnectSaysWhatItHasAtOnce(t *testing.T) {
	dir := hometest.Dir(t)
	identity, err := node.LoadIdentity(filepath.Join(dir, "key"))
	check(t, err)
	far, err := node.New(node.Config{Identity: identity,
		Listen: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Mesh: "none", NoMDNS: true})
	check(t, err)
	defer far.Close()
	far.Handle(func(_ context.Context, _ address.ID, s pipe.Stream) {
		s.SetDeadline(time.Now().Add(10 * time.Second))
		whole := make([]byte, len("open echo\nhello"))
		if n, err := io.ReadFull(s, whole); err != nil {
			t.Errorf("before the verdict came %q, %v", whole[:n], err)
		}
		io.WriteString(s, "ok\nhello, too")
		s.CloseWrite()
		if more, err := io.ReadAll(s); string(more) != "" || err != nil {
			t.Errorf("after the verdict came %q, %v", more, err)
		}
		s.Close()
	})
	near := localtest.Up(t, filepath.Join(dir, "a"))

	file := filepath.Join(dir, "hello")
	check(t, os.WriteFile(file, []byte("hello"), 0o600))
	for what, stdin := range map[string]func() *os.File{
		"a pipe": func() *os.File {
			r, w, err := os.Pipe()
			check(t, err)
			io.WriteString(w, "hello")
			w.Close()
			return r
		},
		"a file": func() *os.File {
			f, err := os.Open(file)
			check(t, err)
			return f
		},
	} {
		for _, at := range far.Addrs() {
			cmd := cellCommand(t.Context(), near.Home, "connect", "echo@"+at)
			in := stdin()
			cmd.Stdin = in
			heard, err := cmd.Output()
			in.Close()
			if string(heard) != "hello, too" || err != nil {
				t.Errorf("from %s to %s: heard %q, %v", what, at, heard, err)
			}
		}
	}
}

// What is longer than goes along follows, and nothing of it is lost or comes twice; here and there.
func TestConnectSaysTheRestLater(t *testing.T) {
	dir := hometest.Dir(t)
	far, near := localtest.Up(t, filepath.Join(dir, "b")), localtest.Up(t, filepath.Join(dir, "a"))
	check(t, putDNA(far.Home, "echo", "echo"))
	check(t, putDNA(near.Home, "echo", "echo"))
	localtest.Run(t, far, "trust", near.ID, "--cells", "echo")
	for _, size := range []int{0, 1, mostAtHand - 1, mostAtHand, mostAtHand + 1, 4096, 1 << 20} {
		words := strings.Repeat("0123456789", size/10+1)[:size]
		file := filepath.Join(dir, "words")
		check(t, os.WriteFile(file, []byte(words), 0o600))
		for _, at := range []string{"echo", "echo@" + far.Addr("quic-v1"),
			"echo@" + far.Addr("tcp")} {
			cmd := cellCommand(t.Context(), near.Home, "connect", at)
			in, err := os.Open(file)
			check(t, err)
			cmd.Stdin = in
			heard, err := cmd.Output()
			in.Close()
			if string(heard) != words || err != nil {
				t.Errorf("%s: of %d bytes, %d came back, or others: %v", at, size, len(heard), err)
			}
		}
	}
}
