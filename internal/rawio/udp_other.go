//go:build !linux

package rawio

import "net"

// UDP returns the socket as it is.
func UDP(conn *net.UDPConn) net.PacketConn { return conn }
