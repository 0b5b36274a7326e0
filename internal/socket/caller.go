package socket

import "strings"

// callerMark begins the name that the stem binds to its end of a connection to a cell.
const callerMark = "@cell/"

// Caller reads the peer ID out of the name bound by DialFrom, as accept(2) and getpeername(2) give it:
// @cell/PEERID/RANDOM. ok is false for any other name, which a local caller's is.
func Caller(name string) (peer string, ok bool) {
	_, rest, ok := strings.Cut(name, callerMark)
	if !ok {
		return "", false
	}
	peer, random, ok := strings.Cut(rest, "/")
	return peer, ok && peer != "" && random != ""
}
