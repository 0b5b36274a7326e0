package natlab

// Mapping is the public port of a UDP socket.
type Mapping int

const (
	// Blocked means that the socket's packets are dropped.
	Blocked Mapping = iota
	// Kept is the socket's own port.
	Kept
	// EveryOther is a different port for each destination.
	EveryOther
)

func (m Mapping) String() string { return [...]string{"blocked", "kept", "every other"}[m] }

// Filter says from where a UDP socket gets packets.
type Filter int

const (
	// Called means from addresses and ports that the socket has sent to.
	Called Filter = iota
	// Anyone means from everywhere.
	Anyone
	// Nobody is for a socket without a public address.
	Nobody
)

func (f Filter) String() string { return [...]string{"called", "anyone", "nobody"}[f] }

// Behaviours is how the kinds of networks behave, on real kernels and simulated.
var Behaviours = []struct {
	Kind    Kind
	Mapping Mapping
	Filter  Filter // over IPv4
	Filter6 Filter // over IPv6
}{
	{EIM, Kept, Called, Nobody},
	{Symmetric, EveryOther, Called, Nobody},
	{Cone, Kept, Anyone, Nobody},
	{CGN, Kept, Called, Nobody},
	{TCPOnly, Blocked, Called, Nobody},
	{V6, Kept, Called, Anyone},
	{V6Firewall, Kept, Called, Called},
	{Public, Kept, Anyone, Anyone},
}
