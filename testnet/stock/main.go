// Stock runs a DHT server of the public mesh in a test network, as other software does:
//
//	stock 45.1.0.1 [MULTIADDR …]
//
// It listens on the address and joins through the MULTIADDRs. When it is ready, it prints its
// own multiaddrs, one per line, and an empty line. It contains nothing of cell: it is libp2p
// with the public DHT, configured as in kubo with a public address.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const port = 4001

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "stock:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: stock ADDRESS [MULTIADDR …]")
	}
	var others []peer.AddrInfo
	for _, text := range args[1:] {
		info, err := peer.AddrInfoFromString(text)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		others = append(others, *info)
	}
	h, err := libp2p.New(
		libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", args[0], port),
			fmt.Sprintf("/ip4/%s/tcp/%d", args[0], port)),
		libp2p.ForceReachabilityPublic(), // to detect it would take some minutes
		libp2p.EnableRelayService(),
		libp2p.EnableAutoNATv2(),
		// Not the default: these filters stop a new host from dialling, and so from probing
		// other hosts.
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
	)
	if err != nil {
		return err
	}
	defer h.Close()
	d, err := dht.New(h, dht.Mode(dht.ModeServer),
		dht.QueryFilter(dht.PublicQueryFilter),
		dht.RoutingTableFilter(dht.PublicRoutingTableFilter),
		dht.AddressFilter(func(addrs []ma.Multiaddr) []ma.Multiaddr {
			return slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
				return !manet.IsPublicAddr(a)
			})
		}))
	if err != nil {
		return err
	}
	defer d.Close()
	for _, other := range others {
		if err := h.Connect(ctx, other); err != nil {
			return err
		}
	}
	if err := d.Bootstrap(ctx); err != nil {
		return err
	}
	for _, addr := range h.Addrs() {
		fmt.Printf("%s/p2p/%s\n", addr, h.ID())
	}
	fmt.Println()
	<-ctx.Done()
	return nil
}
