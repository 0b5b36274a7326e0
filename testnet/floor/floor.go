// Package floor provides what a call between machines is measured against: two libp2p hosts
// with default settings, without cell. Package bench gets it as values, and so does not
// depend on libp2p.
package floor

import (
	"context"
	"fmt"
	"io"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const prefix = "/bench/"

// Stream is a raw libp2p stream.
type Stream = network.Stream

// Serve answers streams by name until ctx ends. It prints the host's multiaddrs, and then
// ready.
func Serve(ctx context.Context, answer func(name string, s Stream), names []string, ready string,
	out io.Writer) error {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/udp/0/quic-v1",
		"/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay())
	if err != nil {
		return err
	}
	for _, name := range names {
		h.SetStreamHandler(protocol.ID(prefix+name), func(s Stream) { answer(name, s) })
	}
	for _, addr := range h.Addrs() {
		fmt.Fprintf(out, "%s/p2p/%s\n", addr, h.ID())
	}
	fmt.Fprintln(out, ready)
	<-ctx.Done()
	return h.Close()
}

// Host is a host that is connected to another.
type Host struct {
	host host.Host
	to   peer.ID
}

// Dial makes a host that is connected to the one at a multiaddr.
func Dial(ctx context.Context, multiaddr string) (*Host, error) {
	to, err := peer.AddrInfoFromString(multiaddr)
	if err != nil {
		return nil, err
	}
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableRelay())
	if err != nil {
		return nil, err
	}
	if err := h.Connect(ctx, *to); err != nil {
		h.Close()
		return nil, err
	}
	return &Host{h, to.ID}, nil
}

// Open opens a stream by name.
func (h *Host) Open(ctx context.Context, name string) (Stream, error) {
	return h.host.NewStream(ctx, h.to, protocol.ID(prefix+name))
}

// Close closes the host and all its streams.
func (h *Host) Close() error { return h.host.Close() }
