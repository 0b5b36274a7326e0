package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// mostAtHand fits, behind a request, in what a stem reads at once.
const mostAtHand = 3 << 10

// atHand reads what stdin has to say by now, without waiting for more. It saves a round
// trip to go along with the request.
func atHand(stdin io.Reader) []byte {
	file, ok := stdin.(*os.File)
	if !ok || !isReadable(file) {
		return nil
	}
	words := make([]byte, mostAtHand)
	n, _ := file.Read(words) // an end or an error comes again with the next read
	return words[:n]
}

func isReadable(file *os.File) (readable bool) {
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	raw.Control(func(fd uintptr) {
		ask := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(ask, 0)
		readable = err == nil && n > 0 && ask[0].Revents&unix.POLLIN != 0
	})
	return readable
}
