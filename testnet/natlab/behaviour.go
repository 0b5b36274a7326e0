package natlab

// Mapping is which port the world sees of a UDP socket.
type Mapping int

const (
	// Blocked is none: its packets do not get out.
	Blocked Mapping = iota
	// Kept is its own.
	Kept
	// EveryOther is another one for each destination.
	EveryOther
)

func (m Mapping) String() string { return [...]string{"blocked", "kept", "every other"}[m] }

// Filter is whose packets get in to a UDP socket.
type Filter int

const (
	// Called are those of the address and port that it has called.
	Called Filter = iota
	// Anyone is whoever knows where it is.
	Anyone
	// Nobody is for a socket that has no public address.
	Nobody
)

func (f Filter) String() string { return [...]string{"called", "anyone", "nobody"}[f] }

// Behaviours are what the kinds of networks do: the kernels' networks and the simulated
// ones are held to it alike.
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
