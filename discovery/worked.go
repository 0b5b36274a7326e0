package discovery

import (
	"net"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Worked remembers where the peer is that a connection leads to. If the peer made the
// connection, that is where it says that it listens, at the very address from which it
// came: in a local network that holds, and for others we can't tell.
func (f *Finder) Worked(conn network.Conn) {
	if lasting(conn) {
		f.cache.put(conn.RemotePeer(), conn.RemoteMultiaddr())
		return
	}
	from, err := manet.ToIP(conn.RemoteMultiaddr())
	if err != nil || !manet.IsPrivateAddr(conn.RemoteMultiaddr()) ||
		isRelayed(conn.RemoteMultiaddr()) {
		return
	}
	if f.listens(conn, from) {
		return
	}
	ids, ok := f.host.(interface{ IDService() identify.IDService })
	if !ok {
		return
	}
	f.tasks.Go(func() { // it may have come so recently that it has yet to say where it listens
		select {
		case <-ids.IDService().IdentifyWait(conn):
			f.listens(conn, from)
		case <-f.tasks.Context().Done():
		}
	})
}

// listens remembers where the peer says that it listens at an address, and whether it says so.
func (f *Finder) listens(conn network.Conn, from net.IP) (told bool) {
	for _, addr := range f.host.Peerstore().Addrs(conn.RemotePeer()) {
		if at, err := manet.ToIP(addr); err == nil && at.Equal(from) && !isRelayed(addr) {
			f.cache.put(conn.RemotePeer(), addr)
			told = true
		}
	}
	return told
}

// isRelayed says whether an address leads through a relay.
func isRelayed(addr ma.Multiaddr) bool {
	_, err := addr.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}
