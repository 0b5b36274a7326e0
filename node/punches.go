package node

import (
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"

	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/node/tracer"
)

// punches remembers how the tries to get past the NATs to a peer went, for whoever asks
// why a connection is relayed.
type punches struct {
	tracer  *tracer.Tracer
	service *holepunch.Service // nil if no holes are punched
	mu      sync.Mutex
	of      map[peer.ID]punched
}

// punched is how they went since the peer was last reached by a relay.
type punched struct {
	tries  int
	at     []string // where the last one knocked
	failed string   // what came in the way before anyone could knock
	last   time.Time
	under  bool // one is under way
}

const (
	// maxPunched bounds how many peers are remembered.
	maxPunched = 256
	// maxTries is how often libp2p tries, and quietPunch how long after a try the next
	// has begun, if there is one.
	maxTries   = 3
	quietPunch = punchWait + 2*time.Second
)

// by is called by libp2p when it makes the service.
func (p *punches) by(s *holepunch.Service) error {
	p.service = s
	return nil
}

// Trace is called by libp2p, at whichever end of the punch we are.
func (p *punches) Trace(e *holepunch.Event) {
	now := time.Now()
	p.mu.Lock()
	had := p.of[e.Remote]
	if now.Sub(had.last) > 2*quietPunch {
		had = punched{}
	}
	had.last = now
	told := trace.Event{Kind: trace.Punch}
	switch e := e.Evt.(type) {
	case *holepunch.StartHolePunchEvt:
		had.tries++
		had.at, had.failed, had.under = e.RemoteAddrs, "", true
		told.Addresses = e.RemoteAddrs
	case *holepunch.EndHolePunchEvt:
		had.under = false
		if e.Success {
			told.Kind = "" // the connection tells
		}
		told.Reason = "nothing came through"
	case *holepunch.ProtocolErrorEvt:
		had.failed = plainly(e.Error)
		told.Reason = had.failed
	case *holepunch.DirectDialEvt:
		told.Reason = "the addresses that it is known by do not answer"
		if e.Success {
			told.Kind = ""
		}
	default:
		told.Kind = ""
	}
	if len(p.of) >= maxPunched && p.of[e.Remote].last.IsZero() {
		p.dropOldest()
	}
	p.of[e.Remote] = had
	p.mu.Unlock()
	if told.Kind != "" {
		p.tracer.Emit(e.Remote, told)
	}
}

// dropOldest makes room; p.mu is held.
func (p *punches) dropOldest() {
	var oldest peer.ID
	for id, had := range p.of {
		if oldest == "" || had.last.Before(p.of[oldest].last) {
			oldest = id
		}
	}
	delete(p.of, oldest)
}

// since is how the punches to a peer went that ended after a moment, and zero if there were none.
func (p *punches) since(id peer.ID, moment time.Time) punched {
	p.mu.Lock()
	defer p.mu.Unlock()
	if had := p.of[id]; had.last.After(moment) {
		return had
	}
	return punched{}
}

// over says whether no more is to be expected of the punches through a connection that
// was made at a moment.
func (had punched) over(made time.Time) bool {
	if had.last.After(made) {
		made = had.last
	}
	return time.Since(made) > quietPunch || !had.under &&
		(had.tries >= maxTries || had.failed != "")
}

// plainly is libp2p's text, in our words where we have some.
func plainly(text string) string {
	switch {
	case strings.Contains(text, "as we have no public address"):
		return "nobody has told this machine yet at which address it is seen"
	case strings.Contains(text, "didn't receive any public addresses"):
		return "the other machine does not know yet at which address it is seen"
	case strings.Contains(text, "protocols not supported"):
		return "the other machine does not punch holes"
	}
	return strings.Join(strings.Fields(text), " ")
}
