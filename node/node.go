// Package node is cell's place in the network: a libp2p host behind a few verbs. It
// listens on QUIC and TCP, finds a peer by its ID, connects, and hands out streams. Where
// only a place is known, Whois tells the ID.
//
//	identity, err := node.LoadIdentity(path)
//	n, err := node.New(node.Config{Identity: identity})
//	n.Handle(func(ctx context.Context, caller address.ID, s pipe.Stream) { … })
//	go n.Run(ctx)
//	s, err := n.Open(ctx, id)
//
// It promises: every address that New was asked for is listening when it returns. An
// orderly end of a stream arrives as io.EOF and a cut never does, whatever the transport.
// A peer that vanishes without a word is noticed within some ten seconds while a call to
// it is open. Whoever calls is who their ID says: the handshake proved it.
//
// It leaves to others who may call what (the stem), and where peers are (package
// discovery). All cells share one protocol ID, so that a stranger's look at the host does
// not tell which cells there are; plain libp2p programs reach them without cell's wire
// under /x/cell/NAME, of which no name is listed either.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	madns "github.com/multiformats/go-multiaddr-dns"
	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/node/gater"
	"github.com/cell-mesh/cell/node/limits"
	"github.com/cell-mesh/cell/node/netif"
	"github.com/cell-mesh/cell/node/peerconn"
	"github.com/cell-mesh/cell/node/ranker"
	"github.com/cell-mesh/cell/node/tracer"
)

// Protocol is the libp2p protocol of all calls between stems.
const Protocol = peerconn.Protocol

// Config says how a node lives. Only Identity must be filled.
type Config struct {
	// Identity is the key that the node proves itself with.
	Identity Identity
	// Port is the UDP and TCP port to listen on. If 0, 4433, or a free one if that is taken.
	Port int
	// Listen are the addresses to listen on. If empty, every interface.
	Listen []netip.Addr
	// Mesh is where peers are looked for: "public" is the DHT of the IPFS network, "none"
	// no DHT, any other name a DHT of those who use the same name. If empty, public.
	Mesh string
	// Bootstrap are peers of the mesh to begin with, as multiaddrs that end in /p2p/ID.
	// If empty, those built in for the public mesh, and none for a private one.
	Bootstrap []string
	// NoMDNS turns off looking around in the local network.
	NoMDNS bool
	// Resolver is asked about DNS names. If nil, the system is.
	Resolver Resolver
	// Cache is a file that remembers addresses that worked. If empty, none does.
	Cache string
	// Relay is whom the node relays for when it can be reached from the Internet:
	// RelayTrusted, RelayPublic or RelayNone. If empty, RelayTrusted.
	Relay string
	// Friends returns the peers that the owner trusts, at once and from memory: they may
	// have thousands of calls open at one time, are relayed for, and are asked to relay
	// before others are. If nil, there are none.
	Friends func() []address.ID
	// Machine is what the node runs on. If nil, this one. On another it speaks QUIC
	// alone, and asks no router for a port.
	Machine netif.Machine
	// Options are appended to the libp2p options.
	Options []libp2p.Option
	// Discovery are options of the discovery package, for simulations.
	Discovery []discovery.Option
	// Log hears what the node's owner should know. If nil, nobody does.
	Log *slog.Logger

	// wide has the node look for relays and relay on loopback, too.
	wide bool
}

// Node is a libp2p host that carries calls. Its methods may be called at any time, from
// any goroutine.
type Node struct {
	id     address.ID
	on     netif.Machine
	host   host.Host
	swarm  *swarm.Swarm // the host's network
	conns  *peerconn.Set
	dns    *madns.Resolver
	finder *discovery.Finder
	udp    *sockets
	limits *limits.Manager
	log    *slog.Logger

	// what `cell ping` shows
	tracer tracer.Tracer

	traversal

	gater  *gater.Gater
	ranker *ranker.Ranker

	tasks *tasks.Group // all goroutines and handlers of the node
	close func() error

	mu      sync.Mutex // guards what follows
	flights map[peer.ID]*flight
}

// CheckMesh says what New would refuse of a Config's Mesh, and CheckBootstrap of its
// Bootstrap in that mesh. Nothing is looked up or dialled.
func CheckMesh(mesh string) error { return discovery.CheckMesh(mesh) }

func CheckBootstrap(mesh string, addrs []string) error {
	return discovery.CheckBootstrap(mesh, addrs)
}

// New makes a node that listens, but looks for nobody before Run. Close gives everything back.
func New(cfg Config) (_ *Node, err error) {
	quiet()
	if cfg.Identity.key == nil {
		return nil, errors.New("node: no identity")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	own := cfg.Machine == nil
	if own {
		cfg.Machine = netif.Local{}
	}
	if !slices.Contains([]string{"", RelayTrusted, RelayPublic, RelayNone}, cfg.Relay) {
		return nil, fmt.Errorf("relay %q: write %s, %s or %s", cfg.Relay, RelayTrusted, RelayPublic,
			RelayNone)
	}
	n := &Node{
		id:      cfg.Identity.id,
		on:      cfg.Machine,
		log:     cfg.Log,
		gater:   gater.New(cfg.Machine.Networks, cfg.Bootstrap),
		ranker:  ranker.New(cfg.Machine.Networks()),
		flights: map[peer.ID]*flight{},
		tasks:   tasks.New(),
	}
	n.close = sync.OnceValue(n.release)
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	if err := n.start(cfg, own); err != nil {
		return nil, err
	}
	n.host.Network().Notify(&network.NotifyBundle{DisconnectedF: n.disconnected})
	n.host.Network().Notify(&network.NotifyBundle{ConnectedF: n.ranker.Connected})
	n.finder, err = discovery.New(discovery.Config{
		Host:      n.host,
		Mesh:      cfg.Mesh,
		Bootstrap: cfg.Bootstrap,
		Resolve:   n.lookUp,
		NoMDNS:    cfg.NoMDNS,
		MDNS:      cfg.Machine.MDNS,
		Cache:     cfg.Cache,
		Sighted:   n.sighted,
		Log:       cfg.Log,
	}, cfg.Discovery...)
	if err != nil {
		return nil, err
	}
	n.gater.SetRemembered(n.finder.Remembered)
	if err := n.beginTraversal(cfg); err != nil {
		return nil, err
	}
	return n, nil
}

// ID returns the node's peer ID.
func (n *Node) ID() address.ID { return n.id }

// Run looks for the mesh and keeps in touch with it until ctx or the node ends. It
// returns nil when all that it began has ended.
func (n *Node) Run(ctx context.Context) error {
	if !n.tasks.Begin() {
		return nil
	}
	defer n.tasks.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.tasks.Context(), cancel)()
	var group errgroup.Group
	group.Go(func() error { return n.runTraversal(ctx) })
	group.Go(func() error { return n.finder.Run(ctx) })
	group.Go(func() error {
		n.conns.CloseIdle(ctx)
		return nil
	})
	return group.Wait()
}

// disconnected is called by the host.
func (n *Node) disconnected(_ network.Network, conn network.Conn) {
	if len(n.swarm.ConnsToPeer(conn.RemotePeer())) == 0 {
		n.limits.Disconnected(conn.RemotePeer())
	}
}

// Close cuts every stream, waits until their handlers and Run have returned, and frees the port.
func (n *Node) Close() error { return n.close() }

// release undoes what New did, as far as it came.
func (n *Node) release() error {
	var err error
	n.tasks.End()
	if n.host != nil {
		for _, conn := range n.host.Network().Conns() {
			conn.Close() // cuts the streams that handlers may be waiting for
		}
	}
	n.tasks.Wait()
	n.closeTraversal()
	if n.finder != nil {
		err = n.finder.Close()
	}
	if n.host != nil {
		err = errors.Join(err, n.host.Close())
	}
	if n.udp != nil {
		n.udp.close()
	}
	return err
}

var errClosed = errors.New("node is closed")
