package node

import (
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	tpt "github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"go.uber.org/fx"

	"github.com/cell-mesh/cell/node/limits"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/nat"
	"github.com/cell-mesh/cell/node/peerconn"
	"github.com/cell-mesh/cell/node/transport"
)

// start takes the port and makes the host on it. QUIC and TCP are the only transports. The
// others are for browsers, and would be more code that is exposed to strangers.
//
// local says that the machine is the one that the program runs on.
func (n *Node) start(cfg Config, local bool, o options) (err error) {
	ips := slices.Clone(cfg.Listen)
	if len(ips) == 0 {
		ips = transport.AllIPs()
	}
	for i, ip := range ips {
		ips[i] = ip.Unmap()
	}
	n.limits, err = limits.New(limits.Config{
		Protocol:   Protocol,
		IsCall:     isRaw,
		Friends:    cfg.Friends,
		Disconnect: func(id peer.ID) { n.tasks.Go(func() { n.swarm.ClosePeer(id) }) },
	})
	if err != nil {
		return fmt.Errorf("make limits: %w", err)
	}
	keeper, err := connmgr.NewConnManager(limits.LowWater, limits.HighWater)
	if err != nil {
		n.limits.Close()
		return fmt.Errorf("make limits: %w", err)
	}
	defer func() {
		if n.host == nil { // it would close them
			n.limits.Close()
			keeper.Close()
		}
	}()
	if n.dns, err = newDNS(cfg.Resolver); err != nil {
		return err
	}
	var upgrader tpt.Upgrader
	opts := []libp2p.Option{
		libp2p.Identity(cfg.Identity.key),
		libp2p.NoListenAddrs,
		libp2p.ResourceManager(n.limits),
		libp2p.ConnectionManager(keeper),
		libp2p.ConnectionGater(n.gater),
		libp2p.MultiaddrResolver(swarm.ResolverFromMaDNS{Resolver: n.dns}),
		libp2p.WithDialTimeout(dialWait),
		libp2p.UserAgent("cell"),
		libp2p.DisableMetrics(),
		libp2p.Security(tls.ID, transport.NewTLS), libp2p.Security(noise.ID, noise.New),
		libp2p.DisableRelay(), // package relay has our own
		libp2p.WithFxOption(fx.Populate(&upgrader)),
		libp2p.SwarmOpts(swarm.WithDialRanker(n.ranker.Rank),
			swarm.WithMetricsTracer(n.tracer.Swarm())),
	}
	n.sockets, err = transport.Bind(transport.Config{
		Machine:   cfg.Machine,
		Key:       cfg.Identity.key,
		IPs:       ips,
		Port:      cfg.Port,
		TCP:       local,
		Symmetric: func() bool { return n.nat.Kind(maddrs.QUIC).Kind == nat.Symmetric },
	})
	if err != nil {
		return err
	}
	opts = append(opts, n.sockets.Options()...)
	wide := isWide(ips)
	// without a mesh nobody beyond the local network is looked for
	ask := local && wide && cfg.Mesh != "none"
	opts = append(opts, n.newTraversal(cfg, ips, n.sockets.Port(), o.loopback || wide, ask)...)
	if n.host, err = libp2p.New(append(opts, cfg.Options...)...); err != nil {
		return fmt.Errorf("start libp2p: %w", err)
	}
	var ok bool
	if n.swarm, ok = n.host.Network().(*swarm.Swarm); !ok {
		return fmt.Errorf("start libp2p: its network is a %T", n.host.Network())
	}
	n.conns = peerconn.New(peerconn.Config{
		Host:  n.host,
		Tasks: n.tasks,
		Seen:  func(id peer.ID, at time.Time) { n.finder.Seen(id, at) },
		Log:   n.log,
	})
	if err := n.addRelayTransport(upgrader); err != nil {
		return err
	}
	return n.sockets.Listen(n.host)
}
