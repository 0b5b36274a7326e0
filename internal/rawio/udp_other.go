//go:build !linux

package rawio

import "net"

// UDP returns the socket unchanged.
func UDP(conn *net.UDPConn) net.PacketConn { return conn }
