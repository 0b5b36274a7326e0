package scenario

// Spec describes a testnet.
type Spec struct {
	// About says in a sentence what the scenario shows.
	About string `toml:"about,omitempty"`
	// Seed decides everything that is left to chance.
	Seed int64 `toml:"seed,omitempty"`
	// Nodes is how many nodes the groups with a Share have together.
	Nodes int `toml:"nodes,omitempty"`
	// Duration is how long it goes on, from when the nodes have joined. If zero, a minute.
	Duration Duration `toml:"duration,omitempty"`
	// Idle is how long nobody calls before that, to see what a net costs that has nothing to do.
	Idle Duration `toml:"idle,omitempty"`
	// Timeout is how long a caller waits for an answer. If zero, 30 s.
	Timeout Duration `toml:"timeout,omitempty"`
	// Link is the line of every node whose group has none.
	Link Link `toml:"link,omitempty"`
	// Cells are those that groups may have, by their names. Echo is always among them.
	Cells map[string]Cell `toml:"cell,omitempty"`

	Groups []Group `toml:"group"`
	Loads  []Load  `toml:"load,omitempty"`
	Events []Event `toml:"event,omitempty"`
}

// Link is the line between a node, or its router, and the internet. A call and its answer
// cross it twice each.
type Link struct {
	// Delay is how long a packet takes, each way. Of a span, each node gets its own.
	Delay Span `toml:"delay,omitempty"`
	// Loss is the share of packets that vanish, each way: 0 none, 1 all.
	Loss float64 `toml:"loss,omitempty"`
	// Rate is how much fits through, each way. If zero, everything.
	Rate Rate `toml:"rate,omitempty"`
}

// Group are nodes of one kind: NAME1, NAME2 and so on, or NAME if there is one.
type Group struct {
	Name string `toml:"name"`
	// Count is how many they are, or else Share what part of Spec.Nodes, in proportion to
	// the other groups' shares.
	Count int     `toml:"count,omitempty"`
	Share float64 `toml:"share,omitempty"`
	// Place is where each lives. If zero, public.
	Place Place `toml:"place,omitempty"`
	// LAN is the network that they share with each other and with the groups that name
	// the same. If empty, each node has a router of its own.
	LAN string `toml:"lan,omitempty"`
	// Hairpin lets those behind one router, or one carrier, call each other at its public
	// address, which most refuse.
	Hairpin bool `toml:"hairpin,omitempty"`
	// Link is their line. If nil, that of the Spec.
	Link *Link `toml:"link,omitempty"`
	// Cells are the names of those they have. If empty, echo.
	Cells []string `toml:"cells,omitempty"`
}

// Cell is what a cell does with a call.
type Cell struct {
	// Does is echo, slow, crash, silent or dna.
	Does string `toml:"does"`
	// Wait is how long a slow one waits before it echoes.
	Wait Duration `toml:"wait,omitempty"`
	// Program is the executable of dna, for where nodes are processes.
	Program string `toml:"program,omitempty"`
}

// Load is who calls whom.
type Load struct {
	// From and To are groups or nodes. If empty, all of them. Nobody calls itself.
	From []string `toml:"from,omitempty"`
	To   []string `toml:"to,omitempty"`
	// Cell is the one that is called. If empty, echo.
	Cell string `toml:"cell,omitempty"`
	// Every is the mean pause between the calls of one caller, who calls at random times.
	Every Duration `toml:"every"`
	// Calls is how often each caller calls at most. If zero, until the end.
	Calls int `toml:"calls,omitempty"`
	// Bytes are sent with each call. If zero, 32.
	Bytes int `toml:"bytes,omitempty"`
	// Begin and End are when, from the beginning of the load. If End is zero, that of the scenario.
	Begin Duration `toml:"begin,omitempty"`
	End   Duration `toml:"end,omitempty"`
}

// Event is something that goes wrong, or is made good.
type Event struct {
	// At is when, from the beginning of the load.
	At Duration `toml:"at"`
	// Do is what happens:
	//
	//	kill, stop        the nodes of Who fall silent, or say good-bye
	//	restart           the nodes of Who that do not run are started
	//	kill-relay        the nodes that relay for those of Who fall silent
	//	renumber          the routers of Who get other addresses and forget who called whom
	//	cut               nothing gets through, directly, between any two of Who
	//	partition         nothing gets through between the Sides, and those that are on none
	//	heal              what was cut or partitioned is whole again
	//	link              the lines of Who become Link
	//	churn             nodes of Who, if empty of all, are killed, and new ones come in their place
	Do  string   `toml:"do"`
	Who []string `toml:"who,omitempty"`
	// Sides are those of a partition.
	Sides [][]string `toml:"sides,omitempty"`
	// Link is the new one.
	Link *Link `toml:"link,omitempty"`
	// Rate is the share of Who that churn replaces a minute. The first few public nodes
	// stay, so that newcomers have somewhere to begin.
	Rate float64 `toml:"rate,omitempty"`
	// For is how long it lasts: then who was killed or stopped is restarted, and what was
	// cut is whole, unless another event keeps it so. If zero, until the end.
	For Duration `toml:"for,omitempty"`
}

// What an Event may do, and what a Cell.
const (
	Kill      = "kill"
	Stop      = "stop"
	Restart   = "restart"
	KillRelay = "kill-relay"
	Renumber  = "renumber"
	Cut       = "cut"
	Partition = "partition"
	Heal      = "heal"
	Relink    = "link"
	Churn     = "churn"

	Echo   = "echo"
	Slow   = "slow"
	Crash  = "crash"
	Silent = "silent"
	DNA    = "dna"
)
