package local

import (
	"errors"
	"fmt"
	"net"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/textfile"
	"github.com/cell-mesh/cell/node"
)

// config is a home's stem.toml. It makes every "cell up" in the home a node of the testnet.
type config struct {
	Mesh      string   `toml:"mesh"`
	Port      int      `toml:"port"`
	Listen    []string `toml:"listen"`
	NoMDNS    bool     `toml:"no-mdns"`
	Bootstrap []string `toml:"bootstrap,omitempty"`
}

const loopback = "127.0.0.1"

// makeHomes creates the homes. Each has a key, a port and cells, and trusts all others with
// every cell.
func (n *Net) makeHomes(program string, cells dnaFiles) error {
	if err := n.install(program); err != nil {
		return err
	}
	ports, err := freePorts(len(n.Nodes))
	if err != nil {
		return err
	}
	var all []peers.Peer
	for i, node := range n.Nodes {
		peer, err := node.makeHome(ports[i])
		if err != nil {
			return err
		}
		all = append(all, peer)
	}
	for i, node := range n.Nodes {
		cfg := config{Mesh: Mesh, Port: ports[i], Listen: []string{loopback}, NoMDNS: true}
		if i > 0 {
			cfg.Bootstrap = []string{all[0].At[0].String()}
		}
		if err := textfile.Write(node.Home.StemConfig(), cfg); err != nil {
			return err
		}
		if err := cells.link(node.Home); err != nil {
			return err
		}
		for j, peer := range all {
			if i == j {
				continue
			}
			if err := peers.Write(node.Home, peer); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeHome creates the node's home, and returns the entry for the other nodes' peers.
func (n Node) makeHome(port int) (p peers.Peer, err error) {
	if err := n.Home.Make(); err != nil {
		return p, err
	}
	identity, err := node.LoadIdentity(n.Home.IdentityKey())
	if err != nil {
		return p, err
	}
	p.ID, p.Cells = identity.ID(), peers.Grant{Any: true}
	if p.Petname, err = address.ParsePetname(n.Name); err != nil {
		return p, err
	}
	at, err := address.ParsePeer(fmt.Sprintf("/ip4/%s/udp/%d/quic-v1/p2p/%s", loopback, port, p.ID))
	if err != nil {
		return p, err
	}
	place, _ := at.Place()
	p.At = []address.Place{place}
	return p, nil
}

// freePorts returns ports that are free for UDP and TCP now. If another process takes one
// before the stem does, the stem fails to start.
func freePorts(count int) (ports []int, err error) {
	var held []interface{ Close() error }
	defer func() {
		for _, h := range held {
			err = errors.Join(err, h.Close())
		}
	}()
	for tries := 0; len(ports) < count; tries++ {
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(loopback)})
		if err != nil {
			return nil, err
		}
		held = append(held, udp)
		port := udp.LocalAddr().(*net.UDPAddr).Port
		tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.ParseIP(loopback), Port: port})
		if err != nil {
			if tries > 2*count+16 {
				return nil, err
			}
			continue // the port is in use for TCP
		}
		held = append(held, tcp)
		ports = append(ports, port)
	}
	return ports, nil
}
