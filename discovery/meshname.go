package discovery

import (
	"fmt"
	"slices"
	"strings"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// mesh is a set of peers that find each other. Its name is no secret, and keeps nobody out.
type mesh struct{ name string }

const (
	public  = "public"
	none    = "none"
	maxMesh = 32
)

// CheckMesh says what New would refuse of a Config's Mesh.
func CheckMesh(name string) error {
	_, err := parseMesh(name)
	return err
}

func parseMesh(name string) (mesh, error) {
	if name == "" {
		return mesh{public}, nil
	}
	if len(name) > maxMesh || strings.ContainsFunc(name, isForeign) {
		return mesh{}, fmt.Errorf(`mesh %.40q: a mesh is "public", "none", or a name of up to %d letters a-z, digits and '-'`, name, maxMesh)
	}
	return mesh{name}, nil
}

func (m mesh) isPrivate() bool { return m.name != public && m.name != none }

// service is the mesh's mDNS service name; meshes do not see each other. Of the DNS
// label's 63 bytes it needs 38 at most.
func (m mesh) service() string {
	if m.isPrivate() {
		return "_cell-" + m.name + "._udp"
	}
	return "_cell._udp"
}

// prefix begins the DHT's protocol ID. Two meshes must never share one: their tables
// would flow together for good.
func (m mesh) prefix() protocol.ID {
	if m.isPrivate() {
		return protocol.ID("/cell/" + m.name)
	}
	return dht.DefaultPrefix
}

// protocol is what a server of the mesh's DHT speaks.
func (m mesh) protocol() protocol.ID { return m.prefix() + "/kad/1.0.0" }

// newDHT makes the mesh's DHT; there is none for the mesh "none". In the public mesh we
// are a client, and speak of public addresses alone. In a private one everybody answers
// who can, and any address is as good as any other: the mesh may live on one machine.
// Nothing but peers and their records is kept there. When to look around in it is for
// refresh to say: kad-dht would search at every distance as soon as it begins and
// whenever our addresses change, which a start does several times.
func (m mesh) newDHT(h host.Host) (*dht.IpfsDHT, error) {
	switch m.name {
	case none:
		return nil, nil
	case public:
		return dht.New(h, dht.ProtocolPrefix(m.prefix()), dht.Mode(dht.ModeClient),
			dht.AddressFilter(onlyPublic), dht.DisableAutoRefresh(), dht.WithCustomMessageSender(newMessages))
	default:
		return dht.New(h, dht.ProtocolPrefix(m.prefix()), dht.Mode(dht.ModeAutoServer),
			dht.DisableProviders(),
			dht.Validator(records{}), dht.ValueDatastore(newShelf()), dht.MaxRecordAge(maxAge), dht.DisableAutoRefresh(),
			dht.WithCustomMessageSender(newMessages))
	}
}

// onlyPublic leaves public addresses and those through relays, which are public, too.
func onlyPublic(addrs []ma.Multiaddr) []ma.Multiaddr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
		return !manet.IsPublicAddr(a)
	})
}

func isForeign(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-')
}
