// Package limits is the node's resource manager: how many connections and streams others
// may have open to it.
//
//	m, err := limits.New(limits.Config{Protocol: "/cell/1.0.0", Friends: friends,
//		Disconnect: closePeer})
//	h, err := libp2p.New(libp2p.ResourceManager(m))
//
// libp2p's defaults are made for one stream per protocol. Here each call of each cell is a
// stream, so a trusted peer may have MaxCalls of them, and a stranger a few dozen over all
// protocols. The limits for IP addresses do not apply to our own dials, to relayed
// connections and to private networks.
//
// Who is trusted is up to the caller. Which connections to end when there are too many is
// up to the connection manager, for which this package only has the numbers.
package limits

import (
	"math"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/x/rate"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node/maddrs"
)

// MaxCalls is how many streams we and a trusted peer may have open to each other, in each
// direction.
const MaxCalls = 16384

// Most stems have some dozens of connections. A public one has those of all peers that
// bootstrap from it or are called through it. With libp2p's limits of about a hundred the
// rest of the mesh could not join, and peers that were disconnected would come back at
// once. Each connection costs about 0.1 MB.
const (
	// MaxConns is how many inbound connections there may be.
	MaxConns = 1024
	// Above HighWater connections the least useful ones are closed, down to LowWater.
	HighWater = 768
	LowWater  = 640
)

// pings limits the pings under way with a peer. libp2p allows three to it and two from it,
// which is enough for one connection. Here each connection to a peer is pinged by itself,
// and one that cannot be pinged would not be found dead.
var pings = rcmgr.BaseLimit{StreamsInbound: 16, StreamsOutbound: 16, Streams: 32,
	Memory: 32 * (256 << 10)}

// Config says whose calls to limit. Protocol must be set.
type Config struct {
	// Protocol is the protocol of calls, which has its own limits.
	Protocol protocol.ID
	// IsCall reports whether another protocol counts as Protocol too. If nil, none does.
	IsCall func(protocol.ID) bool
	// Friends returns the trusted peers, at once and from memory. If nil, there are none.
	Friends func() []address.ID
	// Disconnect closes the connections to a peer. It must not block.
	Disconnect func(peer.ID)
}

// Manager is a network.ResourceManager.
type Manager struct {
	network.ResourceManager
	cfg       Config
	strangers strangers
}

// New makes a resource manager. The host that uses it closes it.
//
// The memory in these limits is reserved, not used: 256 KiB for each stream over TCP, even
// an idle one. A reservation that fails would end the whole connection, so peers run into
// the limit on streams first.
func New(cfg Config) (*Manager, error) {
	calls := rcmgr.BaseLimit{
		StreamsInbound: MaxCalls, StreamsOutbound: MaxCalls, Streams: 2 * MaxCalls,
		Memory: 2 * MaxCalls * (256 << 10),
	}
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	limits.AddServicePeerLimit(ping.ServiceName, pings, rcmgr.BaseLimitIncrease{})
	limits.AddProtocolPeerLimit(ping.ID, pings, rcmgr.BaseLimitIncrease{})
	limits.AddProtocolPeerLimit(cfg.Protocol, calls, rcmgr.BaseLimitIncrease{})
	limits.AddProtocolLimit(cfg.Protocol, times(calls, 4), rcmgr.BaseLimitIncrease{})
	add(&limits.PeerBaseLimit, calls)
	add(&limits.SystemBaseLimit, times(calls, 4))
	add(&limits.SystemBaseLimit, rcmgr.BaseLimit{ConnsInbound: MaxConns, Conns: MaxConns})
	add(&limits.TransientBaseLimit, rcmgr.BaseLimit{ // many calls may begin at once
		StreamsInbound: 1024, StreamsOutbound: 1024, Streams: 2048,
	})
	local4, local6 := maddrs.LocalPrefixes()
	manager, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits.AutoScale()),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithNetworkPrefixLimit(unlimited(local4), unlimited(local6)),
		rcmgr.WithConnRateLimiters(connRates(slices.Concat(local4, local6))))
	if err != nil {
		return nil, err
	}
	return &Manager{
		ResourceManager: manager,
		cfg:             cfg,
		strangers: strangers{
			friends:    cfg.Friends,
			disconnect: cfg.Disconnect,
			peers:      map[peer.ID]*usage{},
		},
	}, nil
}

// times is a limit for n peers.
func times(l rcmgr.BaseLimit, n int) rcmgr.BaseLimit {
	l.Streams *= n
	l.StreamsInbound *= n
	l.StreamsOutbound *= n
	l.Memory *= int64(n)
	return l
}

// add adds what cells need to what libp2p needs itself.
func add(l *rcmgr.BaseLimit, more rcmgr.BaseLimit) {
	l.Conns += more.Conns
	l.ConnsInbound += more.ConnsInbound
	l.Streams += more.Streams
	l.StreamsInbound += more.StreamsInbound
	l.StreamsOutbound += more.StreamsOutbound
	l.Memory += more.Memory
}

// unlimited exempts networks from the limit on connections per IP address. Several stems
// on one machine, or a testnet on one bridge, are not a flood. libp2p's limit of 8 for
// each address on the Internet stays.
func unlimited(nets []netip.Prefix) (limits []rcmgr.NetworkPrefixLimit) {
	for _, p := range nets {
		limits = append(limits, rcmgr.NetworkPrefixLimit{Network: p, ConnCount: math.MaxInt})
	}
	return limits
}

// connRates are libp2p's default rates, a new connection in 5 s after a burst of 16. It
// exempts loopback alone; here all of nets are exempt.
func connRates(nets []netip.Prefix) *rate.Limiter {
	limiter := &rate.Limiter{SubnetRateLimiter: rate.SubnetLimiter{
		IPv4SubnetLimits: []rate.SubnetLimit{
			{PrefixLength: 32, Limit: rate.Limit{RPS: 0.2, Burst: 16}},
		},
		IPv6SubnetLimits: []rate.SubnetLimit{
			{PrefixLength: 56, Limit: rate.Limit{RPS: 0.2, Burst: 16}},
			{PrefixLength: 48, Limit: rate.Limit{RPS: 0.5, Burst: 80}},
		},
	}}
	for _, p := range nets {
		limiter.NetworkPrefixLimits = append(limiter.NetworkPrefixLimits,
			rate.PrefixLimit{Prefix: p})
	}
	return limiter
}
