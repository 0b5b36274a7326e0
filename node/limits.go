package node

import (
	"math"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/x/rate"

	"github.com/cell-mesh/cell/node/maddrs"
)

// maxCalls is how many streams a peer that is trusted may have open to us, and we to it,
// at one time.
const maxCalls = 16384

// Most stems have some dozens of connections. One that anybody can reach has those of all
// for whom it is where the mesh begins, or who are called through it: with libp2p's
// limits, of some hundred, the rest of the mesh could not join, and whom it has let in
// would be put out again, to come back at once. Each costs some 0.1 MB.
const (
	// maxConns is how many others may have to us.
	maxConns = 1024
	// From crowded on, those are ended that are of least use, until there are roomy.
	crowded = 768
	roomy   = 640
)

// pings are those that may be under way with a peer. libp2p's default, three to it and
// two from it, is for a peer with one connection; here each connection is asked for a
// sign of life of its own, and one that can't be asked is not found out to be dead.
var pings = rcmgr.BaseLimit{StreamsInbound: 16, StreamsOutbound: 16, Streams: 32,
	Memory: 32 * (256 << 10)}

// newLimits makes the resource manager. libp2p's defaults, made for one stream a
// protocol, let a peer open some 64 streams of one protocol; here every call of every
// cell is one, and a peer that is trusted may have maxCalls of them. What strangers can
// hold is for the others to judge.
//
// Memory is booked, not used: 256 KiB for each stream over TCP, whether or not a byte waits in it.
// A failed booking would end the whole connection, so peers run into the number of streams first.
func newLimits(others *strangers) (network.ResourceManager, error) {
	calls := rcmgr.BaseLimit{
		StreamsInbound: maxCalls, StreamsOutbound: maxCalls, Streams: 2 * maxCalls,
		Memory: 2 * maxCalls * (256 << 10),
	}
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	limits.AddServicePeerLimit(ping.ServiceName, pings, rcmgr.BaseLimitIncrease{})
	limits.AddProtocolPeerLimit(ping.ID, pings, rcmgr.BaseLimitIncrease{})
	limits.AddProtocolPeerLimit(Protocol, calls, rcmgr.BaseLimitIncrease{})
	limits.AddProtocolLimit(Protocol, times(calls, 4), rcmgr.BaseLimitIncrease{})
	allow(&limits.PeerBaseLimit, calls)
	allow(&limits.SystemBaseLimit, times(calls, 4))
	allow(&limits.SystemBaseLimit, rcmgr.BaseLimit{ConnsInbound: maxConns, Conns: maxConns})
	allow(&limits.TransientBaseLimit, rcmgr.BaseLimit{ // many calls may begin at once
		StreamsInbound: 1024, StreamsOutbound: 1024, Streams: 2048,
	})
	manager, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits.AutoScale()),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithNetworkPrefixLimit(unlimited(local4), unlimited(local6)),
		rcmgr.WithConnRateLimiters(newRates()))
	if err != nil {
		return nil, err
	}
	return asCalls{manager, others}, nil
}

// times is a limit for n peers.
func times(l rcmgr.BaseLimit, n int) rcmgr.BaseLimit {
	l.Streams, l.StreamsInbound, l.StreamsOutbound = n*l.Streams, n*l.StreamsInbound, n*l.StreamsOutbound
	l.Memory *= int64(n)
	return l
}

// allow adds what cells need to what libp2p itself needs.
func allow(l *rcmgr.BaseLimit, more rcmgr.BaseLimit) {
	l.Conns += more.Conns
	l.ConnsInbound += more.ConnsInbound
	l.Streams += more.Streams
	l.StreamsInbound += more.StreamsInbound
	l.StreamsOutbound += more.StreamsOutbound
	l.Memory += more.Memory
}

// Several stems on one machine, or a testnet on one bridge, are not a flood. The limits for
// addresses on the Internet, 8 connections for each, stay.
var local4, local6 = maddrs.LocalPrefixes()

func unlimited(list []netip.Prefix) []rcmgr.NetworkPrefixLimit {
	var limits []rcmgr.NetworkPrefixLimit
	for _, p := range list {
		limits = append(limits, rcmgr.NetworkPrefixLimit{Network: p, ConnCount: math.MaxInt})
	}
	return limits
}

// newRates repeats libp2p's default rates, a new connection in 5 s after a burst of 16,
// with our neighbours exempt and not loopback alone.
func newRates() *rate.Limiter {
	limiter := &rate.Limiter{SubnetRateLimiter: rate.SubnetLimiter{
		IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32,
			Limit: rate.Limit{RPS: 0.2, Burst: 16}}},
		IPv6SubnetLimits: []rate.SubnetLimit{
			{PrefixLength: 56, Limit: rate.Limit{RPS: 0.2, Burst: 16}},
			{PrefixLength: 48, Limit: rate.Limit{RPS: 0.5, Burst: 80}},
		},
	}}
	for _, p := range slices.Concat(local4, local6) {
		limiter.NetworkPrefixLimits = append(limiter.NetworkPrefixLimits,
			rate.PrefixLimit{Prefix: p})
	}
	return limiter
}
