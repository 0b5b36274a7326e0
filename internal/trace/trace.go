// Package trace is what a stem tells of the way to a peer while it takes it: events, each
// of which becomes a line of JSON at the local door and a line of text on a terminal.
//
//	{"ms":0.2,"event":"found","source":"cache","addresses":["/ip4/…/udp/4433/quic-v1"]}
//	{"ms":0.3,"event":"dial","address":"/ip4/…/udp/4433/quic-v1"}
//	{"ms":4.1,"event":"connected","address":"/ip4/…/udp/4433/quic-v1","route":"direct quic"}
//	{"ms":4.6,"event":"answer","route":"direct quic","rtt_ms":0.41}
//
// It knows no network: whoever finds, dials and asks makes the events.
package trace

import "time"

// Kind is what happened.
type Kind string

const (
	// Source knows the peer, at Addresses; Seen says when it learnt of each
	Found   Kind = "found"
	Nothing Kind = "nothing" // Source does not know it: Reason
	Dial    Kind = "dial"    // Address is dialled, after Wait
	Failed  Kind = "failed"  // dialling Address came to nothing: Reason
	// the first connection that can be used, by Route at Address; Reason says why that
	// transport
	Connected Kind = "connected"
	Direct    Kind = "direct" // a direct connection stands beside the relayed one
	// a try to make a direct connection through the NATs began, or failed: Reason
	Punch   Kind = "punch"
	Answer  Kind = "answer"  // the peer has answered after RTT, by Route
	Lost    Kind = "lost"    // it has not: Reason
	Relayed Kind = "relayed" // it is reached by a relay still, for this Reason
	// nothing more will happen: Sum, or Reason if the peer was not reached
	End Kind = "end"
)

// Sources of addresses.
const (
	Here   = "connected"  // there is a connection already
	Cache  = "cache"      // addresses that worked before
	Named  = "place"      // the place that was asked for
	Peers  = "peers file" // what the owner, or an invite, wrote down
	MDNS   = "mdns"       // the local network
	DHT    = "dht"        // the mesh
	Lately = "lately"     // what the peer and others said in the last minutes
)

// Event is one of them. What has no meaning for its kind is left out.
type Event struct {
	// MS is when it happened, in milliseconds since the request.
	MS   float64 `json:"ms"`
	Kind Kind    `json:"event"`
	// whose ID a place turned out to have, in the first event
	Peer      string      `json:"peer,omitempty"`
	Source    string      `json:"source,omitempty"`
	Addresses []string    `json:"addresses,omitempty"`
	Seen      []time.Time `json:"seen,omitempty"`
	Address   string      `json:"address,omitempty"`
	Wait      float64     `json:"wait_ms,omitempty"`
	Route     string      `json:"route,omitempty"` // "direct quic", "relayed tcp", …
	Relay     string      `json:"relay,omitempty"` // the ID of the peer that relays
	RTT       float64     `json:"rtt_ms,omitempty"`
	Reason    string      `json:"reason,omitempty"`
	Sum       *Sum        `json:"sum,omitempty"`
}

// Sum is what came of the questions. The times are in milliseconds, and 0 if nothing was answered.
type Sum struct {
	Asked    int     `json:"asked"`
	Answered int     `json:"answered"`
	Min      float64 `json:"min_ms"`
	Median   float64 `json:"median_ms"`
	Max      float64 `json:"max_ms"`
}

// MS is a duration as events have it.
func MS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
