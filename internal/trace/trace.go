// Package trace defines the events that a stem reports while it finds and reaches a peer. Each is
// a line of JSON at the local door and a line of text in `cell ping` and `cell find`.
//
//	{"ms":0.2,"event":"found","source":"cache","addresses":["/ip4/…/udp/4433/quic-v1"]}
//	{"ms":0.3,"event":"dial","address":"/ip4/…/udp/4433/quic-v1"}
//	{"ms":4.1,"event":"connected","address":"/ip4/…/udp/4433/quic-v1","route":"direct quic"}
//	{"ms":4.6,"event":"answer","route":"direct quic","rtt_ms":0.41}
//
// The package only defines the format. Discovery, the network and the stem make the events.
package trace

import "time"

// Kind is what happened.
type Kind string

const (
	Found     Kind = "found"     // Source knows the peer at Addresses, since Seen
	Nothing   Kind = "nothing"   // Source does not know the peer, for Reason
	Dial      Kind = "dial"      // Address is dialled, after Wait
	Failed    Kind = "failed"    // dialling Address failed, for Reason
	Connected Kind = "connected" // first connection, by Route at Address, chosen for Reason
	Direct    Kind = "direct"    // there is now a direct connection besides the relayed one
	Punch     Kind = "punch"     // a hole punch began, or failed for Reason
	Answer    Kind = "answer"    // the peer answered after RTT, by Route
	Lost      Kind = "lost"      // the peer did not answer, for Reason
	Relayed   Kind = "relayed"   // the peer is still reached by a relay, for Reason
	End       Kind = "end"       // the last event: Sum, or Reason if the peer was not reached
)

// Sources of addresses.
const (
	Here   = "connected"  // an open connection
	Cache  = "cache"      // addresses that worked before
	Named  = "place"      // the place in the request
	Peers  = "peers file" // written by the owner or an invite
	MDNS   = "mdns"       // the local network
	DHT    = "dht"        // the mesh
	Lately = "lately"     // told by the peer or others in the last minutes
)

// Event is one event. Fields without a meaning for its kind are empty.
type Event struct {
	// MS is the time since the request, in milliseconds.
	MS   float64 `json:"ms"`
	Kind Kind    `json:"event"`
	// Peer is the ID found at a place, in the first event.
	Peer      string      `json:"peer,omitempty"`
	Source    string      `json:"source,omitempty"`
	Addresses []string    `json:"addresses,omitempty"`
	Seen      []time.Time `json:"seen,omitempty"`
	Address   string      `json:"address,omitempty"`
	Wait      float64     `json:"wait_ms,omitempty"`
	Route     string      `json:"route,omitempty"` // as in "direct quic" or "relayed tcp"
	Relay     string      `json:"relay,omitempty"` // the relay's peer ID
	RTT       float64     `json:"rtt_ms,omitempty"`
	Reason    string      `json:"reason,omitempty"`
	Sum       *Sum        `json:"sum,omitempty"`
}

// Sum summarizes the pings. Times are in milliseconds, and 0 without an answer.
type Sum struct {
	Asked    int     `json:"asked"`
	Answered int     `json:"answered"`
	Min      float64 `json:"min_ms"`
	Median   float64 `json:"median_ms"`
	Max      float64 `json:"max_ms"`
}

// MS converts a duration to the unit of events.
func MS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
