// Package node is cell's network: a libp2p host behind a few verbs. It listens on QUIC and
// TCP, finds a peer by its ID, connects to it, and opens streams. If only a place is known,
// Whois returns the ID.
//
//	identity, err := node.LoadIdentity(path)
//	n, err := node.New(node.Config{Identity: identity})
//	n.Handle(func(ctx context.Context, caller address.ID, s pipe.Stream) { … })
//	go n.Run(ctx)
//	s, err := n.Open(ctx, id)
//
// It promises that every address that New was asked for is listening when New returns, and
// that callers are who their ID says, since the handshake has proved it. What it promises
// about streams is in package peerconn.
//
// It leaves to others who may call what (package stem) and where peers are (package
// discovery). All cells share one protocol ID, so that a stranger who inspects the host does
// not learn which cells exist. Plain libp2p programs reach cells as /x/cell/NAME; no such
// name is listed either.
//
// The parts are packages of their own. They are given what they need as small values or
// functions, never a Node:
//
//	maddrs     what is asked about multiaddrs
//	peerconn   connections: streams, pings, the best one to a peer
//	nat        whether and where this machine can be reached; portmap asks the router
//	relay      reservations at relays, the transport through them, the relay service
//	holepunch  direct connections instead of relayed ones
//	tracer     what ping and find show
//	transport  QUIC, TCP and TLS on the sockets of the machine
//	netif      what the node runs on: sockets and interfaces
//	limits     how much peers may hold; strangers less than friends
//	gater      which addresses may be dialled
//	ranker     which address is dialled when
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
	"github.com/cell-mesh/cell/node/transport"
)

// Protocol is the libp2p protocol of all calls between stems.
const Protocol = peerconn.Protocol

// DefaultPort is the port of a node unless another program has it.
const DefaultPort = transport.DefaultPort

// Config configures a node. Only Identity must be set.
type Config struct {
	// Identity is the key by which the node proves its ID.
	Identity Identity
	// Port is the UDP and TCP port to listen on. If 0, it is 4433, or a free one if 4433 is
	// taken.
	Port int
	// Listen are the addresses to listen on. If empty, the node listens on every interface.
	Listen []netip.Addr
	// Mesh is where to look for peers: "public" is the DHT of the IPFS network, "none" is no
	// DHT, and any other name is a DHT of all who use the same name. If empty, it is public.
	Mesh string
	// Bootstrap are the first peers of the mesh, as multiaddrs that end in /p2p/ID. If empty,
	// the public mesh has built-in ones, and a private one has none.
	Bootstrap []string
	// NoMDNS turns off the search in the local network.
	NoMDNS bool
	// Resolver looks up DNS names. If nil, the system does.
	Resolver Resolver
	// Cache is a file for addresses that have worked. If empty, they are forgotten at the end.
	Cache string
	// Relay says for whom the node relays if it can be reached from the Internet:
	// RelayTrusted, RelayPublic or RelayNone. If empty, it is RelayTrusted.
	Relay string
	// Friends returns the peers that the owner trusts. It must answer from memory. Friends
	// may have thousands of open calls, the node relays for them, and they are asked first to
	// relay for it. If nil, there are none.
	Friends func() []address.ID
	// Machine is what the node runs on. If nil, it is this machine. On another one the node
	// only speaks QUIC, and asks no router for a port.
	Machine netif.Machine
	// Options are appended to the node's libp2p options.
	Options []libp2p.Option
	// Discovery are options of the discovery package, for simulations.
	Discovery []discovery.Option
	// Log is told what the node's owner should know. If nil, nobody is told.
	Log *slog.Logger
}

// Option changes what only tests change.
type Option func(*options)

type options struct{ loopback bool }

// onLoopback makes a node on loopback look for relays and relay, as on other addresses.
func onLoopback(o *options) { o.loopback = true }

// Node is a libp2p host that carries calls. Its methods may be called at any time, from
// any goroutine.
type Node struct {
	id     address.ID
	on     netif.Machine
	log    *slog.Logger
	tasks  *tasks.Group // all goroutines and handlers of the node
	close  func() error
	tracer tracer.Tracer
	finder *discovery.Finder
	conns  *peerconn.Set

	stack
	dialer
	traversal
}

// stack is libp2p, and what it was made of.
type stack struct {
	host    host.Host
	swarm   *swarm.Swarm // the host's network
	sockets *transport.Sockets
	limits  *limits.Manager
}

// dialer decides which addresses of a peer are dialled, and when.
type dialer struct {
	dns     *madns.Resolver
	gater   *gater.Gater
	ranker  *ranker.Ranker
	flights flights
}

// CheckMesh returns the error that New would return for a Config's Mesh.
func CheckMesh(mesh string) error { return discovery.CheckMesh(mesh) }

// CheckBootstrap returns the error that New would return for a Config's Bootstrap in a mesh.
// Nothing is looked up or dialled.
func CheckBootstrap(mesh string, addrs []string) error {
	return discovery.CheckBootstrap(mesh, addrs)
}

// New returns a node that listens, but looks for nobody before Run. Close it after use.
func New(cfg Config, opts ...Option) (_ *Node, err error) {
	if cfg.Identity.key == nil {
		return nil, errors.New("node: no identity")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	local := cfg.Machine == nil
	if local {
		cfg.Machine = netif.Local{}
	}
	if !slices.Contains([]string{"", RelayTrusted, RelayPublic, RelayNone}, cfg.Relay) {
		return nil, fmt.Errorf("relay %q: write %s, %s or %s", cfg.Relay, RelayTrusted, RelayPublic,
			RelayNone)
	}
	n := &Node{
		id:    cfg.Identity.id,
		on:    cfg.Machine,
		log:   cfg.Log,
		tasks: tasks.New(),
		dialer: dialer{
			gater:   gater.New(cfg.Machine.Networks, cfg.Bootstrap),
			ranker:  ranker.New(cfg.Machine.Networks()),
			flights: flights{of: map[peer.ID]*flight{}},
		},
	}
	n.close = sync.OnceValue(n.release)
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if err := n.start(cfg, local, o); err != nil {
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

// Run joins the mesh and stays in touch with it until ctx ends or the node is closed. Then it
// waits for everything that it has started, and returns nil.
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

// Close cuts every stream, waits until the handlers and Run have returned, and frees the
// port.
func (n *Node) Close() error { return n.close() }

// release undoes what New has done so far.
func (n *Node) release() error {
	var err error
	n.tasks.End()
	if n.host != nil {
		for _, conn := range n.host.Network().Conns() {
			conn.Close() // cuts the streams that handlers may wait for
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
	if n.sockets != nil {
		n.sockets.Close()
	}
	return err
}

var errClosed = errors.New("node is closed")
