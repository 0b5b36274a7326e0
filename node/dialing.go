package node

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

// dialing hears from the swarm what it does, of which failed dials matter to witnesses.
// The swarm does not say for which peer a dial was, so those hear of it who have been
// told that the address is dialled.
type dialing struct{ witnesses *witnesses }

var _ swarm.MetricsTracer = dialing{}

func (d dialing) FailedDialing(addr ma.Multiaddr, err, ended error) {
	// than this address
	if d.witnesses.none() || ended != nil && !errors.Is(ended, context.DeadlineExceeded) ||
		faster(err) {
		return
	}
	address := addr.String()
	d.witnesses.tell(func(w *witness) bool { return w.dialed[address] },
		trace.Event{Kind: trace.Failed, Address: address, Reason: discovery.Root(err).Error()})
}

// faster says whether a dial through a relay was given up since another one came through.
// There is no better mark.
func faster(err error) bool {
	return strings.Contains(err.Error(), "concurrent active dial succeeded")
}

func (dialing) OpenedConnection(network.Direction, crypto.PubKey, network.ConnectionState,
	ma.Multiaddr) {
}
func (dialing) ClosedConnection(network.Direction, time.Duration, network.ConnectionState,
	ma.Multiaddr) {
}
func (dialing) CompletedHandshake(time.Duration, network.ConnectionState, ma.Multiaddr) {}
func (dialing) DialCompleted(bool, int, time.Duration)                                  {}
func (dialing) DialRankingDelay(time.Duration)                                          {}
func (dialing) UpdatedBlackHoleSuccessCounter(string, swarm.BlackHoleState, int, float64) {
}
