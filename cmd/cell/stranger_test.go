package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/synapse"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// few is how many calls a stem lets a peer hold that it does not trust.
const few = 64

// A stranger who opens streams and says nothing on them holds a few dozen of them, and
// the rest are refused at once.
func TestStrangerHoldsFew(t *testing.T) {
	far := localtest.Up(t, filepath.Join(hometest.Dir(t), "b"))
	for _, transport := range []string{"quic-v1", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			stranger, err := libp2p.New(libp2p.NoListenAddrs,
				libp2p.ResourceManager(&network.NullResourceManager{}))
			check(t, err)
			defer stranger.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			at, err := peer.AddrInfoFromP2pAddr(ma.StringCast(far.Addr(transport)))
			check(t, err)
			check(t, stranger.Connect(ctx, *at))

			const many = 500
			answers := make(chan error, many)
			for range many {
				s, err := stranger.NewStream(ctx, at.ID, node.Protocol)
				check(t, err)
				go func() { // ends with the stream
					_, err := io.WriteString(s, "open ")
					if err == nil {
						_, err = s.Read(make([]byte, 1))
					}
					answers <- err
				}()
			}
			for range many - few {
				if err := <-answers; err == nil {
					t.Error("a stream was answered that has asked for nothing")
				}
			}
			localtest.Run(t, far, "status") // it has time for others
			select {
			case err := <-answers:
				t.Errorf("another stream ends with %v", err)
			default:
			}
		})
	}
}

// Who has a key, or calls what is public, is told that it is too much, and may call again
// when it has ended a call.
func TestStrangerIsToldBusy(t *testing.T) {
	dir := hometest.Dir(t)
	home := filepath.Join(dir, "b")
	check(t, putDNA(home, "echo", "echo"))
	check(t, os.WriteFile(filepath.Join(home, "dna", "echo.toml"), []byte("public = true\n"),
		0o600))
	far, near := localtest.Up(t, home), localtest.Up(t, filepath.Join(dir, "a"))
	t.Setenv("CELL_HOME", near.Home)
	for _, transport := range []string{"quic-v1", "tcp"} {
		var calls []*synapse.Conn
		call := func() error {
			conn, err := synapse.Dial(t.Context(), "echo@"+far.Addr(transport))
			if err == nil {
				calls = append(calls, conn)
			}
			return err
		}
		for range few {
			check(t, call())
		}
		if err := call(); !errors.Is(err, synapse.ErrBusy) {
			t.Errorf("over %s, one more: %v", transport, err)
		}
		for _, conn := range calls {
			check(t, conn.CloseWrite())
			_, err := io.ReadAll(conn)
			check(t, err)
			conn.Close()
		}
	}
}
