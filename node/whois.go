package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node/peerconn"
)

// Mismatch says that another peer answers at a place than the expected one.
type Mismatch struct {
	Place            string
	Expected, Actual address.ID
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("%s is %s, not %s", m.Place, m.Actual, m.Expected)
}

func mismatch(place address.Place, expected, actual peer.ID) error {
	m := &Mismatch{Place: place.String()}
	var err, other error
	m.Expected, err = address.ParseID(expected.String())
	m.Actual, other = address.ParseID(actual.String())
	if err = errors.Join(err, other); err != nil {
		return err
	}
	return m
}

// Whois returns the peer that answers at a place. Only the handshake is made. It proves
// that the peer has the ID's key, not that it can be trusted. The error is a *Mismatch if
// the place ends in /p2p/ID and another peer answers.
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
	t, err := newTarget(at)
	if err != nil {
		return "", fmt.Errorf("it %w", err)
	}
	endpoints, err := n.resolve(ctx, t)
	if err != nil {
		return "", fmt.Errorf("it %w", err)
	}
	for _, e := range endpoints {
		if found := n.connectedAt(ctx, e.addr); found != "" && (e.peer == "" || e.peer == found) {
			return found, nil
		}
	}
	return n.ask(ctx, at, endpoints)
}

// connectedAt returns the peer that we are connected to at an address, if it is alive.
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

// ask makes the handshake at all endpoints, in the order and with the delays of a dial,
// until one answers as expected.
func (n *Node) ask(ctx context.Context, at address.Place, endpoints []endpoint) (peer.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	type answer struct {
		endpoint
		found peer.ID
		err   error
	}
	answers := make(chan answer, len(endpoints))
	delays := n.delays(endpoints)
	for _, e := range endpoints {
		group.Go(func() {
			select {
			case <-time.After(delays[string(e.addr.Bytes())]):
			case <-ctx.Done():
			}
			found, err := n.handshake(ctx, e)
			answers <- answer{e, found, err}
		})
	}
	var wrong error
	failed := &swarm.DialError{}
	for range endpoints {
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

// delays returns how long to wait before the dial of each endpoint.
func (n *Node) delays(endpoints []endpoint) map[string]time.Duration {
	var addrs []ma.Multiaddr
	for _, e := range endpoints {
		addrs = append(addrs, e.addr)
	}
	delays := map[string]time.Duration{}
	for _, next := range n.ranker.Rank(addrs) {
		delays[string(next.Addr.Bytes())] = next.Delay
	}
	return delays
}

// handshake returns the peer at an endpoint. It asks for a peer that does not exist, and
// the one that does answers with its own ID, so no connection comes of it. The swarm is not
// involved: it would remember the peer, its address and the failure.
func (n *Node) handshake(ctx context.Context, e endpoint) (peer.ID, error) {
	transport := n.swarm.TransportForDialing(e.addr)
	if transport == nil {
		return "", errors.New("is neither QUIC nor TCP")
	}
	if own, _ := n.swarm.InterfaceListenAddresses(); ma.Contains(own, e.addr) {
		return n.host.ID(), nil // a TCP port that dials itself would get its own words back
	}
	nobody, err := randomPeer()
	if err != nil {
		return "", err
	}
	if transport.Proxy() { // a relay must know which peer we want
		if nobody = e.peer; nobody == "" {
			return "", errors.New("is a relay's: append /p2p/ID")
		}
	}
	conn, err := transport.Dial(ctx, e.addr, nobody)
	if err == nil {
		conn.Close()
		return nobody, nil
	}
	if other, ok := errors.AsType[sec.ErrPeerIDMismatch](err); ok {
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
