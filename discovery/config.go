package discovery

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/cell-mesh/cell/discovery/mdns"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Config says where to look. Only Host is required.
type Config struct {
	// Host is the host to find peers for.
	Host host.Host
	// Mesh is "public", "none" or the name of a private mesh. If empty, public.
	Mesh string
	// Bootstrap are the peers through which to join the mesh, as multiaddrs that end in
	// /p2p/ID. If empty, those built in for the public mesh.
	Bootstrap []string
	// Resolve returns the addresses behind a multiaddr with a DNS name. They may end in
	// /p2p/ID. If nil, names are not resolved.
	Resolve func(ctx context.Context, name ma.Multiaddr) ([]ma.Multiaddr, error)
	// NoMDNS turns off mDNS in the local network.
	NoMDNS bool
	// MDNS makes the mDNS service. If nil, libp2p's is used.
	MDNS func(h host.Host, service string, found mdns.Notifee) mdns.Service
	// Cache is a file of addresses that worked. If empty, they are forgotten at the end.
	Cache string
	// Sighted is called with each mDNS announcement of a peer, and must not block. It may
	// be nil.
	Sighted func(peer.AddrInfo)
	// Log gets what the owner should know. If nil, it is discarded.
	Log *slog.Logger

	// set by options
	unpublished bool
	onLookup    func(Lookup)
	introducer  *func(...peer.AddrInfo) error
}

// Option changes what only tests and simulations change.
type Option func(*Config)

// Unpublished keeps our addresses out of the mesh. A member that serves in it is still
// found through the members that it is connected to.
func Unpublished() Option { return func(cfg *Config) { cfg.unpublished = true } }

// OnLookup has report called after each lookup in the mesh. It must not block.
func OnLookup(report func(Lookup)) Option { return func(cfg *Config) { cfg.onLookup = report } }

// Introducer has New set *introduce to a function that puts members of the mesh into the
// routing table without asking them, as many as there is room for. So a simulation of a
// large mesh need not have each member find the others first.
func Introducer(introduce *func(members ...peer.AddrInfo) error) Option {
	return func(cfg *Config) { cfg.introducer = introduce }
}

func (cfg *Config) setDefaults() {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MDNS == nil {
		cfg.MDNS = func(h host.Host, service string, found mdns.Notifee) mdns.Service {
			return mdns.ForHost(h, service, found, nil)
		}
	}
	if cfg.Resolve == nil {
		cfg.Resolve = func(context.Context, ma.Multiaddr) ([]ma.Multiaddr, error) {
			return nil, nil
		}
	}
	if cfg.Sighted == nil {
		cfg.Sighted = func(peer.AddrInfo) {}
	}
	if cfg.onLookup == nil {
		cfg.onLookup = func(Lookup) {}
	}
}

// publicBootstrap are the servers that the makers of the public mesh run for this, as
// their own programs name them. They publish all but the last only by DNS names. The last
// one has an IP address, so that a network without DNS can join. After the first visit
// the cache has others.
var publicBootstrap = []string{
	"/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
	"/dnsaddr/bootstrap.libp2p.io/p2p/QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa",
	"/dnsaddr/bootstrap.libp2p.io/p2p/QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb",
	"/dnsaddr/bootstrap.libp2p.io/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt",
	"/dnsaddr/va1.bootstrap.libp2p.io/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8",
	"/ip4/104.131.131.82/udp/4001/quic-v1/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
	"/ip4/104.131.131.82/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
}

// CheckBootstrap returns the error that New would return for a Config's Bootstrap in that
// mesh.
func CheckBootstrap(mesh string, addrs []string) error {
	name, err := parseMesh(mesh)
	if err == nil {
		_, err = parseBootstrap(name, addrs, "")
	}
	return err
}

// parseBootstrap groups the addresses by peer, without our own.
func parseBootstrap(mesh meshName, texts []string, self peer.ID) ([]peer.AddrInfo, error) {
	const remedy = "write /ip4/ADDRESS/udp/PORT/quic-v1/p2p/ID"
	if len(texts) > 0 && mesh == none {
		return nil, fmt.Errorf(`bootstrap %s: the mesh "none" has no peers: `+
			`leave out one of the two`, texts[0])
	}
	if len(texts) == 0 && mesh == public {
		texts = publicBootstrap
	}
	var addrs []ma.Multiaddr
	for _, text := range texts {
		addr, err := ma.NewMultiaddr(text)
		if err != nil {
			return nil, fmt.Errorf("bootstrap %s: %w: %s", text, err, remedy)
		}
		if transport, id := peer.SplitAddr(addr); id == "" || transport == nil {
			return nil, fmt.Errorf("bootstrap %s: needs an address and a peer ID: %s", text, remedy)
		}
		addrs = append(addrs, addr)
	}
	infos, err := peer.AddrInfosFromP2pAddrs(addrs...)
	if err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	return slices.DeleteFunc(infos, func(info peer.AddrInfo) bool { return info.ID == self }), nil
}
