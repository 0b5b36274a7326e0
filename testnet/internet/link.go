package internet

import "github.com/cell-mesh/cell/testnet/natlab"

// Link is a line that connects a site to the internet.
type Link = natlab.Link

const (
	// MTU is how many bytes a packet may have, with the headers of IP and UDP.
	MTU = 1500
	// headers are those, of IPv4; lines carry them, too.
	headers = 28
)
