package testnet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"

	kbucket "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// port is where nodes listen.
	port = 4433
	// bucketSize is how many members a routing table holds at each distance.
	bucketSize = 20
)

// multiaddrs are where the node listens, whether or not it runs.
func (n *Node) multiaddrs() []string {
	addrs := n.host.Addrs()
	if n.net.cfg.Lean {
		addrs = addrs[:1]
	}
	var text []string
	for _, ip := range addrs {
		family := "ip4"
		if ip.Is6() {
			family = "ip6"
		}
		text = append(text, fmt.Sprintf("/%s/%s/udp/%d/quic-v1/p2p/%s", family, ip, port, n.ID()))
	}
	return text
}

// member is a node as a routing table has it.
type member struct {
	key  kbucket.ID
	info peer.AddrInfo
}

// Preset tells all nodes of each other as if they had long been members of the mesh: it
// fills their routing tables, from which connections are made when they are needed. It is
// for nodes that were added with Bootstrap empty, and that are all public: the tables
// name addresses that anybody can call.
func (n *Net) Preset() error {
	var members []member
	nodes := n.Nodes()
	for _, node := range nodes {
		m, err := node.member()
		if err != nil {
			return fmt.Errorf("testnet: preset %s: %w", node, err)
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b member) int { return slices.Compare(a.key, b.key) })
	chance := rand.New(rand.NewPCG(n.cfg.Seed, 0))
	for _, node := range nodes {
		if err := node.introduce(members, chance); err != nil {
			return fmt.Errorf("testnet: preset %s: %w", node, err)
		}
	}
	return nil
}

func (n *Node) member() (m member, err error) {
	var addrs []ma.Multiaddr
	for _, text := range n.multiaddrs() {
		addr, err := ma.NewMultiaddr(text)
		if err != nil {
			return m, err
		}
		addrs = append(addrs, addr)
	}
	infos, err := peer.AddrInfosFromP2pAddrs(addrs...)
	if err != nil {
		return m, err
	}
	return member{kbucket.ConvertPeerID(infos[0].ID), infos[0]}, nil
}

// introduce fills the node's routing table: at each distance with some of those that are
// so far away. members are in the order of their keys.
func (n *Node) introduce(members []member, chance *rand.Rand) error {
	l := n.alive()
	if l == nil {
		return nil
	}
	own, err := n.member()
	if err != nil {
		return err
	}
	for near := members; len(near) > 1; {
		// Of those that share the first bits of our key, half differ in the next one:
		// they are a bucket.
		bits := kbucket.CommonPrefixLen(near[0].key, near[len(near)-1].key)
		middle := sort.Search(len(near), func(i int) bool { return bit(near[i].key, bits) })
		far := near[middle:]
		if near = near[:middle]; bit(own.key, bits) {
			near, far = far, near
		}
		for _, i := range chance.Perm(len(far))[:min(bucketSize, len(far))] {
			if err := l.node.Introduce(far[i].info); err != nil {
				return err
			}
		}
	}
	return nil
}

// bit is one of a key.
func bit(key kbucket.ID, n int) bool { return key[n/8]>>(7-n%8)&1 == 1 }
