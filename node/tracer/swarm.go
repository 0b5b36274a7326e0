package tracer

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/internal/trace"
)

// Swarm returns what the swarm reports failed dials to. The swarm does not say which peer
// a dial was for, so a failure goes to the traces that Dials has given the address to.
func (t *Tracer) Swarm() swarm.MetricsTracer { return swarmTracer{t} }

type swarmTracer struct{ tracer *Tracer }

func (s swarmTracer) FailedDialing(addr ma.Multiaddr, err, ended error) {
	canceled := ended != nil && !errors.Is(ended, context.DeadlineExceeded)
	if s.tracer.Idle() || canceled || wasOvertaken(err) {
		return
	}
	address := addr.String()
	s.tracer.emit(func(tr *Trace) bool { return tr.dialed[address] },
		trace.Event{Kind: trace.Failed, Address: address, Reason: discovery.Root(err).Error()})
}

// wasOvertaken reports whether a dial through a relay was given up because another one
// succeeded. go-libp2p 0.52 has no error value for it.
func wasOvertaken(err error) bool {
	return strings.Contains(err.Error(), "concurrent active dial succeeded")
}

// The rest of swarm.MetricsTracer is of no interest.

func (swarmTracer) OpenedConnection(network.Direction, crypto.PubKey, network.ConnectionState,
	ma.Multiaddr) {
}
func (swarmTracer) ClosedConnection(network.Direction, time.Duration, network.ConnectionState,
	ma.Multiaddr) {
}
func (swarmTracer) CompletedHandshake(time.Duration, network.ConnectionState, ma.Multiaddr) {}
func (swarmTracer) DialCompleted(bool, int, time.Duration)                                  {}
func (swarmTracer) DialRankingDelay(time.Duration)                                          {}
func (swarmTracer) UpdatedBlackHoleSuccessCounter(string, swarm.BlackHoleState, int, float64) {
}
