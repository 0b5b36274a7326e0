package internet

import "github.com/cell-mesh/cell/testnet/natlab"

// Link connects a site to the internet.
type Link = natlab.Link

const (
	// MTU is the largest size of a packet, including the IP and UDP headers.
	MTU = 1500
	// headers is the size of the IPv4 and UDP headers.
	headers = 28
)
