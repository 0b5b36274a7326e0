// Package rawio reads from and writes to sockets with system calls that bypass Go's
// scheduler.
//
// A system call on a non-blocking socket copies what is there and returns at once. Go's
// scheduler still prepares for a long one: it wakes its monitor thread, which then checks
// every 20 µs whether the call has returned, and which on a single core hands that core to
// another thread. In a program that mostly passes bytes on, this is a good part of the CPU
// time and of the latency. Usage:
//
//	conn = rawio.New(conn)   // still a net.Conn, but cheaper
//	socket = rawio.UDP(conn) // for quic-go; handles many datagrams per call
//
// Both behave like the sockets of package net. The monitor thread also polls the network
// when goroutines never run out of work, so it must not sleep forever: of reads that each
// find data, one in 256 is an ordinary system call. Writes need no such rule, because a
// program that passes bytes on reads them first. A program that computes for long between
// two reads should not use this package, since it needs the monitor awake.
//
// Only Linux has these calls. Elsewhere, or with CELL_RAWIO=off in the environment, all
// calls are ordinary ones.
package rawio

import (
	"os"
	"syscall"
)

// enabled is false where the user prefers ordinary system calls, say to rule this package
// out as the cause of a problem.
var enabled = os.Getenv("CELL_RAWIO") != "off"

// Reads makes the system calls that read from a non-blocking socket, for one goroutine at a
// time. The zero value is ready to use.
type Reads struct{ found uint8 } // reads that found data, since one did not

// Read reads once. The error is nil or a syscall.Errno; EAGAIN means that there is nothing
// to read now.
func (r *Reads) Read(fd uintptr, p []byte) (n int, err error) {
	if r.ordinary() {
		n, err = again(syscall.Read, fd, p)
	} else {
		n, err = again(read, fd, p)
	}
	r.saw(err)
	return n, err
}

// ordinary reports whether the next read must be an ordinary system call.
func (r *Reads) ordinary() bool {
	r.found++
	return r.found == 0 || !enabled
}

// saw counts the result of a read.
func (r *Reads) saw(err error) {
	if err == syscall.EAGAIN {
		r.found = 0
	}
}

// again repeats a call until no signal interrupts it.
func again(call func(fd int, p []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := call(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
