//go:build !linux

package pipe

import "net"

// isClosed can't be told here: a reset that a Write was told of may be read as an end of file.
func isClosed(*net.TCPConn) bool { return false }
