package discovery

import (
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Worked remembers where the peer is that a connection leads to. If the peer made the connection, that is where it says that it
// listens, at the very address from which it came: in a local network that holds, and for others we can't tell.
func (f *Finder) Worked(conn network.Conn) {
	if lasting(conn) {
		f.cache.put(conn.RemotePeer(), conn.RemoteMultiaddr())
		return
	}
	from, err := manet.ToIP(conn.RemoteMultiaddr())
	if err != nil || !manet.IsPrivateAddr(conn.RemoteMultiaddr()) || isRelayed(conn.RemoteMultiaddr()) {
		return
	}
	for _, addr := range f.host.Peerstore().Addrs(conn.RemotePeer()) {
		if at, err := manet.ToIP(addr); err == nil && at.Equal(from) && !isRelayed(addr) {
			f.cache.put(conn.RemotePeer(), addr)
		}
	}
}

// isRelayed says whether an address leads through a relay.
func isRelayed(addr ma.Multiaddr) bool {
	_, err := addr.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}
