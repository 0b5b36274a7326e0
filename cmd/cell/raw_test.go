package main

import (
	"context"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// A plain libp2p program, which knows nothing of cell, reaches a cell by the protocol
// /x/cell/NAME, behind the same gate: that is what kubo's "ipfs p2p forward" dials.
func TestRawProtocol(t *testing.T) {
	far := localtest.Up(t, filepath.Join(hometest.Dir(t), "b"))
	check(t, putDNA(far.Home, "late", "late"))
	for _, transport := range []string{"quic-v1", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			program, err := libp2p.New(libp2p.NoListenAddrs)
			check(t, err)
			defer program.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			at, err := peer.AddrInfoFromP2pAddr(ma.StringCast(far.Addr(transport)))
			check(t, err)
			check(t, program.Connect(ctx, *at))

			say := func(words string) (string, error) {
				stream, err := program.NewStream(ctx, at.ID, "/x/cell/late")
				if err != nil {
					return "", err
				}
				defer stream.Reset()
				io.WriteString(stream, words)
				stream.CloseWrite()
				heard, err := io.ReadAll(stream)
				return string(heard), err
			}
			if heard, err := say("hello"); err == nil {
				t.Errorf("a stranger heard %q", heard)
			}
			localtest.Run(t, far, "trust", program.ID().String(), "--cells", "late")
			if heard, err := say("hello"); err != nil || heard != "got 5 bytes\n" {
				t.Errorf("heard %q, %v", heard, err)
			}
		})
	}
}
