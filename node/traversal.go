package node

import (
	"context"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	tpt "github.com/libp2p/go-libp2p/core/transport"
	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/node/holepunch"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/nat"
	"github.com/cell-mesh/cell/node/relay"
	"github.com/cell-mesh/cell/node/transport"
)

// Whom a node relays for, as Config.Relay says it.
const (
	RelayTrusted = string(relay.Trusted) // the members of a private mesh, otherwise Friends
	RelayPublic  = string(relay.Public)  // everyone
	RelayNone    = string(relay.None)    // nobody
)

// traversal is what gets calls through NATs. A node on loopback has none of it but punches,
// which knows of none there.
type traversal struct {
	nat     *nat.Monitor
	relays  *relay.Keeper
	service *relay.Service
	punches *holepunch.Puncher
}

// newTraversal is called before there is a host, and returns what the host needs for it.
// wide says whether to listen to more than this machine, and ask whether to ask the router.
func (n *Node) newTraversal(cfg Config, ips []netip.Addr, port int,
	wide, ask bool) (options []libp2p.Option) {
	if wide {
		n.nat = nat.New(nat.Config{
			Listen:    ips,
			Port:      uint16(port),
			Bootstrap: cfg.Bootstrap,
			Router:    ask,
			Judged:    n.judged,
			Moved:     n.roam,
			Tasks:     n.tasks,
			Log:       n.log,
		})
		options = n.nat.Options()
	}
	n.punches = holepunch.New(holepunch.Config{Outside: n.nat.Outside, Mapped: n.nat.Mapped,
		Tell: n.tracer.Emit})
	if wide {
		options = append(options, n.punches.Option())
	}
	return options
}

// judged connects the two: nat says what can be reached, relay acts on it.
func (n *Node) judged(v nat.Verdict) {
	n.service.Set(v.Reachability == network.ReachabilityPublic)
	n.relays.Want(v.NeedsRelay)
}

// beginTraversal starts what needs the host and discovery.
func (n *Node) beginTraversal(cfg Config) (err error) {
	if n.nat == nil {
		return nil
	}
	friends, private := cfg.friendIDs, isPrivate(cfg.Mesh)
	n.service = relay.NewService(n.host, relay.Policy(cfg.Relay).Allow(private, friends), n.log)
	if n.relays, err = relay.NewKeeper(relay.Config{
		Host:        n.host,
		Conns:       n.conns,
		Tasks:       n.tasks,
		PrivateMesh: private,
		Friends:     friends,
		Servers:     n.finder.Servers,
		Remembered:  n.finder.Remembered,
		Observe:     nat.NewMirror(n.host, n.conns, n.tasks).Ask,
		Roam:        n.roam,
		Lent:        n.nat.SetRelayed,
		Log:         n.log,
	}); err != nil {
		return err
	}
	return n.nat.Start(n.host, n.conns)
}

// runTraversal returns when ctx has ended.
func (n *Node) runTraversal(ctx context.Context) error {
	if n.nat == nil {
		return nil
	}
	var group errgroup.Group
	group.Go(func() error { return n.nat.Run(ctx) })
	group.Go(func() error { return n.relays.Run(ctx) })
	group.Go(func() error { return n.punches.PunchLate(ctx, n.host, n.tasks) })
	group.Go(func() error { return n.watchLAN(ctx) })
	group.Go(func() error {
		if err := n.on.Watch(ctx, n.roam); err != nil {
			n.log.Warn("a change of networks will be noticed late", "err", err)
		}
		return nil
	})
	return group.Wait()
}

// closeTraversal is called when nothing of the node runs any more.
func (n *Node) closeTraversal() {
	if n.service != nil {
		n.service.Set(false)
	}
	if n.relays != nil {
		n.relays.Close()
	}
	n.nat.Close()
}

// addRelayTransport lets the node dial through relays and be called through them.
func (n *Node) addRelayTransport(upgrader tpt.Upgrader) error {
	return relay.AddTransport(relay.TransportConfig{
		Host:      n.host,
		Conns:     n.conns,
		Tasks:     n.tasks,
		Upgrader:  upgrader,
		Presuming: transport.Optimistic(upgrader),
		Disagrees: transport.ErrNotAgreed,
	})
}

// whyRelayed says why there is no direct connection.
func (n *Node) whyRelayed(over network.Conn) []string {
	c := holepunch.Circumstances{
		UDP:     n.nat.Kind(maddrs.QUIC),
		TCP:     n.nat.Kind(maddrs.TCP),
		History: n.punches.Since(over.RemotePeer(), over.Stat().Opened),
	}
	for _, addr := range n.host.Peerstore().Addrs(over.RemotePeer()) {
		if maddrs.IsPublic(addr) {
			c.Direct++
		}
	}
	return c.Reasons()
}

// friendIDs returns the peers that the owner trusts.
func (cfg Config) friendIDs() (ids []peer.ID) {
	if cfg.Friends == nil {
		return nil
	}
	for _, friend := range cfg.Friends() {
		if id, err := peer.Decode(friend.String()); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

func isPrivate(mesh string) bool { return mesh != "" && mesh != "public" && mesh != "none" }

// isWide reports whether a node listens to more than its own machine. On loopback there is
// no NAT to get through.
func isWide(ips []netip.Addr) bool {
	return slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !ip.IsLoopback() })
}
