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
	port = 4433 // on which nodes listen
	// bucketSize is how many members a routing table holds at each distance.
	bucketSize = 20
)

// multiaddrs returns where the node listens, or would if it ran.
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

// member is a node in a routing table.
type member struct {
	key  kbucket.ID
	info peer.AddrInfo
}

// Preset fills the routing tables of all nodes as if they had long been members of the
// mesh. Nodes connect when they need to. All nodes must be public, and added with an empty
// Bootstrap that is not nil.
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
	random := rand.New(rand.NewPCG(n.cfg.Seed, 0))
	for _, node := range nodes {
		if err := node.introduce(members, random); err != nil {
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

// introduce fills the node's routing table: for each distance, with random members that are
// as far away. members are sorted by key.
func (n *Node) introduce(members []member, random *rand.Rand) error {
	i := n.running()
	if i == nil {
		return nil
	}
	own, err := n.member()
	if err != nil {
		return err
	}
	for near := members; len(near) > 1; {
		// The members that share the first bits of this node's key and differ in the next
		// bit form a bucket.
		bits := kbucket.CommonPrefixLen(near[0].key, near[len(near)-1].key)
		middle := sort.Search(len(near), func(m int) bool { return bit(near[m].key, bits) })
		far := near[middle:]
		if near = near[:middle]; bit(own.key, bits) {
			near, far = far, near
		}
		for _, m := range random.Perm(len(far))[:min(bucketSize, len(far))] {
			if err := i.introduce(far[m].info); err != nil {
				return err
			}
		}
	}
	return nil
}

func bit(key kbucket.ID, n int) bool { return key[n/8]>>(7-n%8)&1 == 1 }
