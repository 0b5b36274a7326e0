package node

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/internal/address"
)

// ask knocks at all addresses, in the order and with the pauses that libp2p has for a
// dial, until one answers as it should.
func (n *Node) ask(ctx context.Context, at address.Place, targets []target) (peer.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	type answer struct {
		target
		found peer.ID
		err   error
	}
	answers := make(chan answer, len(targets))
	for _, t := range n.rank(targets) {
		group.Go(func() {
			select {
			case <-time.After(t.pause):
			case <-ctx.Done():
			}
			found, err := n.knock(ctx, t)
			answers <- answer{t, found, err}
		})
	}
	var wrong error
	failed := &swarm.DialError{}
	for range targets {
		a := <-answers
		switch {
		case a.err != nil:
			failed.DialErrors = append(failed.DialErrors,
				swarm.TransportError{Address: a.addr, Cause: a.err})
		case a.peer != "" && a.peer != a.found:
			wrong = mismatch(at, a.peer, a.found)
		default:
			return a.found, nil
		}
	}
	if wrong != nil {
		return "", wrong
	}
	return "", discovery.Brief(failed)
}

// rank gives each target its pause.
func (n *Node) rank(targets []target) []target {
	var addrs []ma.Multiaddr
	for _, t := range targets {
		addrs = append(addrs, t.addr)
	}
	pauses := map[string]time.Duration{}
	for _, next := range n.ranker.Rank(addrs) {
		pauses[string(next.Addr.Bytes())] = next.Delay
	}
	for i, t := range targets {
		targets[i].pause = pauses[string(t.addr.Bytes())]
	}
	return targets
}

// knock makes the handshake with whoever is at the address. It asks for a peer that does
// not exist, and the one that does answers with its own ID: no connection comes of it.
// The swarm, which would remember the peer, its address and the failure, is not involved.
func (n *Node) knock(ctx context.Context, t target) (peer.ID, error) {
	transport := n.swarm.TransportForDialing(t.addr)
	if transport == nil {
		return "", errors.New("is neither QUIC nor TCP")
	}
	if own, _ := n.swarm.InterfaceListenAddresses(); ma.Contains(own, t.addr) {
		return n.host.ID(), nil // a TCP port dialled from itself would answer with our own words
	}
	nobody, err := randomPeer()
	if err != nil {
		return "", err
	}
	if transport.Proxy() { // a relay must know whom we want
		if nobody = t.peer; nobody == "" {
			return "", errors.New("is a relay's: append /p2p/ID")
		}
	}
	conn, err := transport.Dial(ctx, t.addr, nobody)
	if err == nil {
		conn.Close()
		return nobody, nil
	}
	var other sec.ErrPeerIDMismatch
	if errors.As(err, &other) {
		return other.Actual, nil
	}
	return "", err
}

func randomPeer() (peer.ID, error) {
	_, key, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return "", err
	}
	return peer.IDFromPublicKey(key)
}
