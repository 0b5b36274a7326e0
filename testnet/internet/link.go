package internet

import "time"

// Link is a line that connects a site to the internet. A packet between two sites crosses two lines, and its answer four.
type Link struct {
	// Delay is how long a packet takes, each way.
	Delay time.Duration
	// Loss is the share of packets that vanish, each way: 0 none, 1 all.
	Loss float64
	// Rate is how many bytes a second fit through, each way. 0 is without bound.
	Rate int
}
