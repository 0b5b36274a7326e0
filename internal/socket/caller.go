package socket

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// callerMark begins the name that the stem binds to its end of a connection to a cell.
const callerMark = "@cell/"

// NewCallerName makes the name of one caller from a peer ID in text form: PEERID/RANDOM,
// where RANDOM is 64 bits in hexadecimal, so that nobody takes it first, be it by chance
// or in order to block a call.
func NewCallerName(peer string) string {
	var random [8]byte
	rand.Read(random[:]) // never fails
	return peer + "/" + hex.EncodeToString(random[:])
}

// Caller reads the peer ID out of the name bound by DialFrom, as accept(2) and
// getpeername(2) give it: @cell/PEERID/RANDOM. ok is false for any other name, which a
// local caller's is.
func Caller(name string) (peer string, ok bool) {
	whole, ok := CallerName(name)
	peer, _, _ = strings.Cut(whole, "/")
	return peer, ok
}

// CallerName reads PEERID/RANDOM out of the same name: it is the only caller of that
// name, and the stem knows it by that.
func CallerName(name string) (caller string, ok bool) {
	_, caller, _ = strings.Cut(name, callerMark)
	peer, random, _ := strings.Cut(caller, "/")
	if peer == "" || random == "" {
		return "", false
	}
	return caller, true
}
