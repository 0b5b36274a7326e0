package node

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

// start takes the port and makes the host on it. QUIC and TCP are all the transports there are: what
// browsers need is left out, and with it the code that strangers could talk to.
func (n *Node) start(cfg Config) (err error) {
	ips := slices.Clone(cfg.Listen)
	if len(ips) == 0 {
		ips = everywhere()
	}
	for i, ip := range ips {
		ips[i] = ip.Unmap()
	}
	limits, err := newLimits()
	if err != nil {
		return fmt.Errorf("make limits: %w", err)
	}
	defer func() {
		if n.host == nil { // whose they would be
			limits.Close()
		}
	}()
	if n.dns, err = newDNS(cfg.Resolver); err != nil {
		return err
	}
	options := []libp2p.Option{
		libp2p.Identity(cfg.Identity.key),
		libp2p.NoListenAddrs,
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.ResourceManager(limits),
		libp2p.MultiaddrResolver(swarm.ResolverFromMaDNS{Resolver: n.dns}),
		libp2p.WithDialTimeout(dialWait),
		libp2p.UserAgent("cell"),
		libp2p.DisableMetrics(),
		libp2p.EnableRelay(), // NoListenAddrs would turn it off
		libp2p.SwarmOpts(swarm.WithDialRanker(rankDials)),
	}
	port, simulated := cfg.Port, bringsSockets(cfg.Options)
	if simulated {
		if port == 0 {
			port = defaultPort
		}
	} else {
		if n.udp, port, err = bind(ips, cfg.Port); err != nil {
			return err
		}
		options = append(options, libp2p.QUICReuse(n.udp.newManager), libp2p.Transport(tcp.NewTCPTransport))
	}
	if !simulated && (cfg.wide || isWide(ips)) {
		n.reach = newReach(cfg, ips, port)
		options = append(options, n.natOptions(cfg, ips)...)
	}
	if n.host, err = libp2p.New(append(options, cfg.Options...)...); err != nil {
		return fmt.Errorf("start libp2p: %w", err)
	}
	var ok bool
	if n.swarm, ok = n.host.Network().(*swarm.Swarm); !ok {
		return fmt.Errorf("start libp2p: its network is a %T", n.host.Network())
	}
	at := func(ip netip.Addr) netip.Addr { return ip }
	if !simulated {
		at = n.udp.listenAt
	}
	return listen(n.host, ips, at, port, !simulated)
}

// bringsSockets says whether the options name who makes QUIC's sockets; libp2p takes only one such word.
func bringsSockets(options []libp2p.Option) bool {
	var probe libp2p.Config
	return probe.Apply(options...) == nil && probe.QUICReuse != nil
}
