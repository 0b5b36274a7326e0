package socket

// bindName is an abstract name: it lives in no directory and goes with the socket.
func bindName(caller string) (name string, unbind func()) {
	return callerMark + caller, func() {}
}
