package socket

// bindName returns an abstract name, which has no file and goes away with the socket.
func bindName(caller string) (name string, unbind func()) {
	return callerMark + caller, func() {}
}
