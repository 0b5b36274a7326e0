//go:build !linux

package doctor

// UDPBuffers checks how large the buffers of a UDP socket may get, on Linux.
func UDPBuffers() []Check { return nil }
