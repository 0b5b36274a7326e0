package socket

// callerName is an abstract name: it lives in no directory and goes with the socket.
func callerName(peer, random string) (name string, unbind func()) {
	return callerMark + peer + "/" + random, func() {}
}
