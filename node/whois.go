package node

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/address"

	"github.com/cell-mesh/cell/node/peerconn"
)

// Whois tells which peer answers at a place. Only the handshake is made, which proves
// that it has the ID's key and says nothing about whether it may be trusted. The error is
// a *Mismatch if the place ends in /p2p/ID and somebody else answers.
func (n *Node) Whois(ctx context.Context, at address.Place) (address.ID, error) {
	if !n.tasks.Begin() {
		return address.ID{}, fmt.Errorf("ask who is at %s: %w", at, errClosed)
	}
	defer n.tasks.Done()
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	defer context.AfterFunc(n.tasks.Context(), cancel)()
	found, err := n.whois(ctx, at)
	if err != nil {
		return address.ID{}, fmt.Errorf("ask who is at %s: %w", at, err)
	}
	return address.ParseID(found.String())
}

func (n *Node) whois(ctx context.Context, at address.Place) (peer.ID, error) {
	s, err := newSpot(at)
	if err != nil {
		return "", fmt.Errorf("it %w", err)
	}
	targets, err := n.resolve(ctx, s)
	if err != nil {
		return "", fmt.Errorf("it %w", err)
	}
	for _, t := range targets {
		if found := n.connectedAt(ctx, t.addr); found != "" && (t.peer == "" || t.peer == found) {
			return found, nil
		}
	}
	return n.ask(ctx, at, targets)
}

// connectedAt returns the peer that we reached at the address before, if it is still there.
func (n *Node) connectedAt(ctx context.Context, addr ma.Multiaddr) peer.ID {
	ctx, cancel := context.WithTimeout(ctx, peerconn.ProbeWait)
	defer cancel()
	for _, conn := range n.swarm.Conns() {
		if conn.Stat().Direction != network.DirOutbound || conn.IsClosed() ||
			!conn.RemoteMultiaddr().Equal(addr) {
			continue
		}
		c := n.conns.Of(conn)
		if !c.HeardLately() {
			if _, err := c.Ping(ctx); err != nil {
				continue
			}
		}
		return conn.RemotePeer()
	}
	return ""
}
