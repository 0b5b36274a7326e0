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

// meshName names a mesh: a set of peers that find each other. It is no secret and keeps
// nobody out.
type meshName string

const (
	public      meshName = "public"
	none        meshName = "none"
	maxMeshName          = 32
)

// CheckMesh returns the error that New would return for a Config's Mesh.
func CheckMesh(name string) error {
	_, err := parseMesh(name)
	return err
}

func parseMesh(name string) (meshName, error) {
	isForeign := func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-')
	}
	if name == "" {
		return public, nil
	}
	if len(name) > maxMeshName || strings.ContainsFunc(name, isForeign) {
		return "", fmt.Errorf(`mesh %.40q: write "public", "none", or a name of up to %d `+
			`letters a-z, digits and '-'`, name, maxMeshName)
	}
	return meshName(name), nil
}

func (m meshName) isPrivate() bool { return m != public && m != none }

// service is the mesh's mDNS service name, so that meshes do not see each other. It needs
// at most 38 of the 63 bytes of a DNS label.
func (m meshName) service() string {
	if m.isPrivate() {
		return "_cell-" + string(m) + "._udp"
	}
	return "_cell._udp"
}

// prefix begins the protocol ID of the mesh's DHT. Two meshes must never share one: their
// routing tables would merge for good.
func (m meshName) prefix() protocol.ID {
	if m.isPrivate() {
		return protocol.ID("/cell/" + m)
	}
	return dht.DefaultPrefix
}

// protocol is what a server of the mesh's DHT speaks.
func (m meshName) protocol() protocol.ID { return m.prefix() + "/kad/1.0.0" }

// newDHT makes the mesh's DHT. In the public mesh we are a client and name only public
// addresses. In a private mesh every member that can be reached serves, and any address
// counts, since the whole mesh may be on one machine; it stores only peer records.
//
// mesh.refresh refreshes the routing table. kad-dht would search at every distance at the
// start and whenever our addresses change, which a start does several times.
func (m meshName) newDHT(h host.Host) (*dht.IpfsDHT, error) {
	options := []dht.Option{dht.ProtocolPrefix(m.prefix()), dht.DisableAutoRefresh(),
		dht.WithCustomMessageSender(newRPC)}
	if m == public {
		options = append(options, dht.Mode(dht.ModeClient), dht.AddressFilter(onlyPublic))
	} else {
		options = append(options, dht.Mode(dht.ModeAutoServer), dht.DisableProviders(),
			dht.Validator(validator{}), dht.ValueDatastore(newRecordStore()),
			dht.MaxRecordAge(maxRecordAge))
	}
	return dht.New(h, options...)
}

// onlyPublic returns the public addresses; those of relays are public, too.
func onlyPublic(addrs []ma.Multiaddr) []ma.Multiaddr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
		return !manet.IsPublicAddr(a)
	})
}
