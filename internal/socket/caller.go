package socket

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// callerMark is the prefix of the name that the stem binds to its end of a connection to a
// cell.
const callerMark = "@cell/"

// NewCallerName returns the name PEERID/RANDOM for one call. RANDOM is 64 bits in hexadecimal,
// so that no other process can take the name first, by chance or to block a call.
func NewCallerName(peer string) string {
	var random [8]byte
	rand.Read(random[:]) // never fails
	return peer + "/" + hex.EncodeToString(random[:])
}

// Caller returns the peer ID from the name that DialFrom has bound, in the form that
// accept(2) and getpeername(2) return: @cell/PEERID/RANDOM. ok is false for any other name,
// such as that of a local caller.
func Caller(name string) (peer string, ok bool) {
	whole, ok := CallerName(name)
	peer, _, _ = strings.Cut(whole, "/")
	return peer, ok
}

// CallerName returns PEERID/RANDOM from the same name. It identifies the call to the stem.
func CallerName(name string) (caller string, ok bool) {
	_, caller, _ = strings.Cut(name, callerMark)
	peer, random, _ := strings.Cut(caller, "/")
	if peer == "" || random == "" {
		return "", false
	}
	return caller, true
}
