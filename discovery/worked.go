package discovery

import (
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Reached notes that a connection leads to its peer: the address is remembered, and when
// the peer last answered, which is heard, unless that is zero or known already. It is
// cheap enough for every call.
//
// If the peer made the connection, the address is where it says that it listens, at the
// very IP address from which it came. That holds in a local network; for others we can't
// tell.
func (f *Finder) Reached(conn network.Conn, heard time.Time) {
	if !heard.IsZero() {
		f.cache.heard(conn.RemotePeer(), heard)
	}
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

// Worked is Reached for a connection on which the peer has not answered yet.
func (f *Finder) Worked(conn network.Conn) { f.Reached(conn, time.Time{}) }

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
