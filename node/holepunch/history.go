package holepunch

import (
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"

	"github.com/cell-mesh/cell/internal/trace"
)

// History is how the punches to a peer went since it was last reached through a relay.
type History struct {
	Tries  int
	At     []string // the peer's addresses in the last try
	Failed string   // what failed before a try could begin
	Last   time.Time
	under  bool // one is under way
}

const (
	// maxHistory bounds how many peers are remembered.
	maxHistory = 256
	// quietAfter is how long after one try the next one has begun, if there is one.
	quietAfter = tryWait + 2*time.Second
)

// Trace is called by libp2p, whichever end of the punch we are.
func (p *Puncher) Trace(e *holepunch.Event) {
	now := time.Now()
	p.mu.Lock()
	had := p.history[e.Remote]
	if now.Sub(had.Last) > 2*quietAfter {
		had = History{}
	}
	had.Last = now
	told := trace.Event{Kind: trace.Punch}
	switch e := e.Evt.(type) {
	case *holepunch.StartHolePunchEvt:
		had.Tries++
		had.At, had.Failed, had.under = e.RemoteAddrs, "", true
		told.Addresses = e.RemoteAddrs
	case *holepunch.EndHolePunchEvt:
		had.under = false
		if e.Success {
			told.Kind = "" // the connection itself is told
		}
		told.Reason = "nothing came through"
	case *holepunch.ProtocolErrorEvt:
		had.Failed = plain(e.Error)
		told.Reason = had.Failed
	case *holepunch.DirectDialEvt:
		told.Reason = "the addresses that it is known by do not answer"
		if e.Success {
			told.Kind = ""
		}
	default:
		told.Kind = ""
	}
	if len(p.history) >= maxHistory && p.history[e.Remote].Last.IsZero() {
		p.dropOldest()
	}
	p.history[e.Remote] = had
	p.mu.Unlock()
	if told.Kind != "" {
		p.cfg.Tell(e.Remote, told)
	}
}

// dropOldest makes room; p.mu is held.
func (p *Puncher) dropOldest() {
	var oldest peer.ID
	for id, had := range p.history {
		if oldest == "" || had.Last.Before(p.history[oldest].Last) {
			oldest = id
		}
	}
	delete(p.history, oldest)
}

// Since returns how the punches to a peer went that ended after a moment. It is the zero
// History if there were none.
func (p *Puncher) Since(id peer.ID, moment time.Time) History {
	p.mu.Lock()
	defer p.mu.Unlock()
	if had := p.history[id]; had.Last.After(moment) {
		return had
	}
	return History{}
}

// Over reports whether a connection that was made at a moment will not be punched any more.
func (had History) Over(made time.Time) bool {
	if had.Last.After(made) {
		made = had.Last
	}
	return time.Since(made) > quietAfter || !had.under &&
		(had.Tries >= maxTries || had.Failed != "")
}

// plain translates libp2p's text to our words where we have some.
func plain(text string) string {
	switch {
	case strings.Contains(text, "as we have no public address"):
		return "nobody has told this machine its public address yet"
	case strings.Contains(text, "didn't receive any public addresses"):
		return "the other machine does not know its public address yet"
	case strings.Contains(text, "protocols not supported"):
		return "the other machine does not punch holes"
	}
	return strings.Join(strings.Fields(text), " ")
}
