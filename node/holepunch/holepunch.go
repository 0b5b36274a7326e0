// Package holepunch gets past NATs: it replaces relayed connections by direct ones.
//
//	p := holepunch.New(holepunch.Config{Outside: m.Outside, Mapped: m.Mapped, Tell: tracer.Emit})
//	h, err := libp2p.New(p.Option(), …)
//	go p.PunchLate(ctx, h, group)
//	p.Since(id, conn.Stat().Opened) // how it went
//
// libp2p does the punching. This package tells it more addresses to try, repeats what it
// misses in the first second, and remembers the results, to say why a connection is still
// relayed.
//
// Which end calls the other during a punch is a matter of the transport.
package holepunch

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// maxTries is how often libp2p tries.
	maxTries = 3
	// tryWait bounds one try of a direct connection. libp2p begins with addresses that it
	// knows already and that may lead nowhere. With its default of 10 s it would punch too
	// late for most calls.
	tryWait = 1500 * time.Millisecond
	// Lasts is for how long after the beginning of a relayed connection another try of its
	// punch may begin.
	Lasts = (maxTries - 1) * tryWait
)

// Config says what to tell the other end of a punch. All fields must be set.
type Config struct {
	// Outside returns our public IPv4 address and UDP port, if we had to ask for it.
	Outside func() netip.AddrPort
	// Mapped returns our addresses at ports that the router opens.
	Mapped func() []ma.Multiaddr
	// Tell is told of each failed or beginning try. It must not block.
	Tell func(peer.ID, trace.Event)
}

// Puncher punches holes. Its methods may be called at any time, from any goroutine.
type Puncher struct {
	cfg     Config
	service *holepunch.Service // set while libp2p is built

	mu      sync.Mutex
	history map[peer.ID]History
}

// New returns a Puncher that does nothing until libp2p is built with Option.
func New(cfg Config) *Puncher { return &Puncher{cfg: cfg, history: map[peer.ID]History{}} }

// Option turns hole punching on.
func (p *Puncher) Option() libp2p.Option {
	keep := func(s *holepunch.Service) error {
		p.service = s
		return nil
	}
	return libp2p.EnableHolePunching(holepunch.DirectDialTimeout(tryWait),
		holepunch.WithAddrFilter(filter{p.cfg}), holepunch.WithTracer(p), keep)
}

// PunchLate punches holes to peers who have called us through a relay before libp2p was
// ready for it, unless ctx ends first. libp2p punches when a relayed connection begins, but
// only after it has noticed, at one of its checks, that somebody has told us our public
// address. A peer that calls in the first second would stay on the relay.
func (p *Puncher) PunchLate(ctx context.Context, h host.Host, group *tasks.Group) error {
	if p.service == nil { // other options have turned it off
		return nil
	}
	changed, err := h.EventBus().Subscribe(new(event.EvtLocalProtocolsUpdated))
	if err != nil {
		return fmt.Errorf("watch for hole punching: %w", err)
	}
	defer changed.Close()
	for !slices.Contains(h.Mux().Protocols(), holepunch.Protocol) {
		select {
		case <-changed.Out():
		case <-ctx.Done():
			return nil
		}
	}
	for _, conn := range h.Network().Conns() {
		if conn.Stat().Direction == network.DirInbound &&
			maddrs.Transport(conn.RemoteMultiaddr()) == maddrs.Relay {
			group.Go(func() { p.service.DirectConnect(conn.RemotePeer()) })
		}
	}
	return nil
}

// filter adds to the addresses that a punch tells the other end. A NAT lets in packets from
// where its host has sent some, on the port that the NAT gave the host. libp2p knows that
// port only for a transport over which someone has seen us from outside, which is mostly
// QUIC. But most NATs keep the port number if they can, and we listen with both transports
// on the same one. So an address seen over one transport is told for the other one, too. If
// the guess is wrong it costs a few packets; where UDP is blocked it is the only way to a
// direct connection.
//
// It also adds the IPv4 address of a machine whose connections are all IPv6, so that nobody
// has told libp2p, and the ports that the router opens, whether or not somebody has come
// through yet.
type filter struct{ Config }

// FilterRemote changes nothing.
func (filter) FilterRemote(_ peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr { return addrs }

// FilterLocal returns the addresses to tell.
func (f filter) FilterLocal(_ peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	addrs = slices.Clone(addrs)
	if outside := f.Outside(); outside.IsValid() {
		if both, err := maddrs.QUICAndTCP(outside.Addr(), outside.Port()); err == nil {
			addrs = append(addrs, both...)
		}
	}
	for _, addr := range slices.Clone(addrs) {
		if ip, port, _ := maddrs.Parts(addr); ip.Is4() {
			if both, err := maddrs.QUICAndTCP(ip, port); err == nil {
				addrs = append(addrs, both...)
			}
		}
	}
	return ma.Unique(append(addrs, f.Mapped()...))
}
