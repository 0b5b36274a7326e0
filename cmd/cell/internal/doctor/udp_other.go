//go:build !linux

package doctor

// UDPBuffers checks the maximum size of UDP socket buffers; only on Linux.
func UDPBuffers() []Check { return nil }
