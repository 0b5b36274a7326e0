// Package rawio reads from and writes to sockets by system calls that Go's scheduler is
// not told of.
//
// Go's sockets don't wait in a system call: it copies what there is, and is over. Told of
// one, the scheduler prepares for the worst all the same. It wakes its monitor, a thread
// that then looks each 20 µs whether the call still lasts, and in a program that runs on
// one core hands that to yet another thread when it does. For a program that does little
// but pass bytes on, that is a good part of its work, and of the time that a byte spends
// in it. So:
//
//	conn = direct.New(conn)   // a net.Conn as before, which takes less
//	socket = direct.UDP(conn) // for quic-go, which reads and writes many datagrams at a time
//
// It promises what package net does, and no busy scheduler that nobody watches over: the
// monitor also looks at the network when goroutines never run out of work. So of reads
// that find something each time, one in 256 is made as ever; what writes without end has
// read it somewhere. It is for programs that pass bytes on: others may keep a core busy
// between two reads, and want the monitor awake then. Where there is no Linux, all calls
// are made as ever.
package rawio

import "syscall"

// Reads are the system calls that read from a socket that does not block, made by one
// goroutine at a time. The zero value is ready.
type Reads struct{ found uint8 } // since a read found nothing

// Read reads once. Its error is nil or a syscall.Errno, of which EAGAIN says that there
// is nothing to read now.
func (r *Reads) Read(fd uintptr, p []byte) (n int, err error) {
	if r.tell() {
		n, err = again(syscall.Read, fd, p)
	} else {
		n, err = again(read, fd, p)
	}
	r.saw(err)
	return n, err
}

// tell says whether the scheduler is to be told of the next read.
func (r *Reads) tell() bool {
	r.found++
	return r.found == 0
}

// saw takes down what a read has said.
func (r *Reads) saw(err error) {
	if err == syscall.EAGAIN {
		r.found = 0
	}
}

// again makes a call until no signal interrupts it.
func again(call func(fd int, p []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := call(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
