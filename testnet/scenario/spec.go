package scenario

// Spec describes a testnet.
type Spec struct {
	// About says in a sentence what the scenario shows.
	About string `toml:"about,omitempty"`
	// Seed determines everything that is random.
	Seed int64 `toml:"seed,omitempty"`
	// Nodes is how many nodes the groups with a Share have together.
	Nodes int `toml:"nodes,omitempty"`
	// Duration is how long the load goes on after the nodes have joined. If zero, a minute.
	Duration Duration `toml:"duration,omitempty"`
	// Idle is a time without calls before that, to measure the traffic of an idle net.
	Idle Duration `toml:"idle,omitempty"`
	// Timeout is how long a caller waits for an answer. If zero, 30 s.
	Timeout Duration `toml:"timeout,omitempty"`
	// Link is for every node whose group has none.
	Link Link `toml:"link,omitempty"`
	// Cells are those that groups may have, by name. Echo is always among them.
	Cells map[string]Cell `toml:"cell,omitempty"`

	Groups []Group `toml:"group"`
	Loads  []Load  `toml:"load,omitempty"`
	Events []Event `toml:"event,omitempty"`
}

// Link connects a node, or its router, to the internet.
type Link struct {
	// Delay is each way. Of a span, each node draws its own value.
	Delay Span `toml:"delay,omitempty"`
	// Loss is the share of packets that are lost, each way: 0 none, 1 all.
	Loss float64 `toml:"loss,omitempty"`
	// Rate is the bandwidth, each way. If zero, unlimited.
	Rate Rate `toml:"rate,omitempty"`
}

// Group is a number of similar nodes, called NAME1, NAME2 and so on, or NAME if Count is 1.
type Group struct {
	Name string `toml:"name"`
	// Either Count is the number of nodes, or Share is the group's part of Spec.Nodes, in
	// proportion to the other groups' shares.
	Count int     `toml:"count,omitempty"`
	Share float64 `toml:"share,omitempty"`
	// Place is where each node lives. If zero, public.
	Place Place `toml:"place,omitempty"`
	// LAN is the network that the nodes share with each other and with groups of the same
	// LAN. If empty, each node has its own router.
	LAN string `toml:"lan,omitempty"`
	// Hairpin lets nodes behind one router, or one carrier, call each other at its public
	// address. Most routers refuse that.
	Hairpin bool `toml:"hairpin,omitempty"`
	// Link is the nodes' link. If nil, that of the Spec.
	Link *Link `toml:"link,omitempty"`
	// Cells are names of cells. If empty, echo.
	Cells []string `toml:"cells,omitempty"`
}

// Cell is what a cell does with a call.
type Cell struct {
	// Does is echo, slow, crash, silent or dna.
	Does string `toml:"does"`
	// Wait is how long a slow cell waits before it echoes.
	Wait Duration `toml:"wait,omitempty"`
	// Program is the executable of a dna cell, which needs Options.Real.
	Program string `toml:"program,omitempty"`
}

// Load says who calls whom, and how often.
type Load struct {
	// From and To are groups or nodes. If empty, all of them. No node calls itself.
	From []string `toml:"from,omitempty"`
	To   []string `toml:"to,omitempty"`
	// Cell is the cell to call. If empty, echo.
	Cell string `toml:"cell,omitempty"`
	// Every is the mean pause between the calls of one caller, which calls at random times.
	Every Duration `toml:"every"`
	// Calls is the most calls that each caller makes. If zero, there is no limit.
	Calls int `toml:"calls,omitempty"`
	// Bytes are sent with each call. If zero, 32.
	Bytes int `toml:"bytes,omitempty"`
	// Begin and End count from the time when the nodes have joined. If End is zero, the
	// load goes on until the end of the scenario.
	Begin Duration `toml:"begin,omitempty"`
	End   Duration `toml:"end,omitempty"`
}

// Event is a fault, or a repair.
type Event struct {
	// At counts from the time when the nodes have joined.
	At Duration `toml:"at"`
	// Do is what happens:
	//
	//	kill              the nodes of Who fall silent
	//	stop              the nodes of Who leave in order
	//	restart           the nodes of Who that do not run are started
	//	kill-relay        the nodes that relay for those of Who fall silent
	//	renumber          the routers of Who get new addresses and forget all connections
	//	cut               no packets pass directly between the two nodes of Who
	//	partition         no packets pass between the Sides, nor to nodes that are on none
	//	heal              all cuts and partitions end
	//	link              the links of Who become Link
	//	churn             nodes of Who, or of all if it is empty, are killed and replaced
	Do  string   `toml:"do"`
	Who []string `toml:"who,omitempty"`
	// Sides are the groups of nodes of a partition.
	Sides [][]string `toml:"sides,omitempty"`
	Link  *Link      `toml:"link,omitempty"`
	// Rate is the share of nodes that churn replaces per minute. The first few public
	// nodes stay: newcomers bootstrap from them.
	Rate float64 `toml:"rate,omitempty"`
	// For is how long the event lasts. Then the nodes that it stopped are restarted, and
	// cuts and links are undone, unless another event keeps them. If zero, until the end.
	For Duration `toml:"for,omitempty"`
}

// The values of Event.Do.
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
)

// The values of Cell.Does.
const (
	Echo   = "echo"
	Slow   = "slow"
	Crash  = "crash"
	Silent = "silent"
	DNA    = "dna"
)
