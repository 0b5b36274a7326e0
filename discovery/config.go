package discovery

import (
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// maxRejoin is how many peers of the cache are tried at a start.
const maxRejoin = 8

// publicBoots are where the public mesh begins: the servers that its makers run for that,
// as their own programs name them. They publish the first ones by DNS names alone; the
// last one has an address, so that a network without DNS is no obstacle. From the first
// visit on there is the cache.
var publicBoots = []string{
	"/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN",
	"/dnsaddr/bootstrap.libp2p.io/p2p/QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa",
	"/dnsaddr/bootstrap.libp2p.io/p2p/QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb",
	"/dnsaddr/bootstrap.libp2p.io/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt",
	"/dnsaddr/va1.bootstrap.libp2p.io/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8",
	"/ip4/104.131.131.82/udp/4001/quic-v1/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
	"/ip4/104.131.131.82/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
}

// CheckBootstrap says what New would refuse of a Config's Bootstrap, in a mesh that
// CheckMesh takes.
func CheckBootstrap(name string, texts []string) error {
	m, err := parseMesh(name)
	if err == nil {
		_, err = parseBootstrap(m, texts, "")
	}
	return err
}

// parseBootstrap reads multiaddrs; those of one peer come together, and our own are left out.
func parseBootstrap(m mesh, texts []string, self peer.ID) ([]peer.AddrInfo, error) {
	if len(texts) > 0 && m.name == none {
		return nil, fmt.Errorf(`bootstrap %s: the mesh "none" has no peers: leave out one of the two`, texts[0])
	}
	if len(texts) == 0 && m.name == public {
		texts = publicBoots
	}
	var addrs []ma.Multiaddr
	for _, text := range texts {
		addr, err := ma.NewMultiaddr(text)
		if err != nil {
			return nil, fmt.Errorf("bootstrap %s: %w: write /ip4/ADDRESS/udp/PORT/quic-v1/p2p/ID",
				text, err)
		}
		if transport, id := peer.SplitAddr(addr); id == "" || transport == nil {
			return nil, fmt.Errorf("bootstrap %s: needs an address and a peer: write /ip4/ADDRESS/udp/PORT/quic-v1/p2p/ID", text)
		}
		addrs = append(addrs, addr)
	}
	infos, err := peer.AddrInfosFromP2pAddrs(addrs...)
	if err != nil {
		return nil, fmt.Errorf("bootstrap: %w", err)
	}
	return slices.DeleteFunc(infos, func(info peer.AddrInfo) bool { return info.ID == self }), nil
}
