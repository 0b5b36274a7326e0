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
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"go.uber.org/fx"

	"github.com/cell-mesh/cell/node/limits"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/nat"
	"github.com/cell-mesh/cell/node/peerconn"
)

// start takes the port and makes the host on it. QUIC and TCP are all the transports
// there are: what browsers need is left out, and with it the code that strangers could
// talk to.
//
// own says that the machine is the one that the program runs on.
func (n *Node) start(cfg Config, own bool) (err error) {
	ips := slices.Clone(cfg.Listen)
	if len(ips) == 0 {
		ips = everywhere()
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
		if n.host == nil { // whose they would be
			n.limits.Close()
			keeper.Close()
		}
	}()
	if n.dns, err = newDNS(cfg.Resolver); err != nil {
		return err
	}
	var upgrader tpt.Upgrader
	options := []libp2p.Option{
		libp2p.Identity(cfg.Identity.key),
		libp2p.NoListenAddrs,
		libp2p.ResourceManager(n.limits),
		libp2p.ConnectionManager(keeper),
		libp2p.ConnectionGater(n.gater),
		libp2p.MultiaddrResolver(swarm.ResolverFromMaDNS{Resolver: n.dns}),
		libp2p.WithDialTimeout(dialWait),
		libp2p.UserAgent("cell"),
		libp2p.DisableMetrics(),
		libp2p.Security(tls.ID, newSecurity), libp2p.Security(noise.ID, noise.New),
		libp2p.DisableRelay(), // we have our own: relayTransport
		libp2p.WithFxOption(fx.Populate(&upgrader)),
		libp2p.SwarmOpts(swarm.WithDialRanker(n.ranker.Rank),
			swarm.WithMetricsTracer(n.tracer.Swarm())),
	}
	var port int
	if n.udp, port, err = bind(cfg, ips, own); err != nil {
		return err
	}
	n.udp.scattered = func() bool { return n.nat.Kind(maddrs.QUIC).Kind == nat.Symmetric }
	options = append(options, libp2p.QUICReuse(n.udp.newManager), libp2p.Transport(n.udp.newQUIC))
	if own {
		options = append(options, libp2p.Transport(tcp.NewTCPTransport))
	}
	wide := isWide(ips)
	// without a mesh nobody beyond the local network is looked for
	ask := own && wide && cfg.Mesh != "none"
	options = append(options, n.newTraversal(cfg, ips, port, cfg.wide || wide, ask)...)
	if n.host, err = libp2p.New(append(options, cfg.Options...)...); err != nil {
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
	return listen(n.host, ips, n.udp.listenAt, port, own)
}
