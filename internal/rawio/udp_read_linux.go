package rawio

import (
	"encoding/binary"
	"net"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// inARow is how many datagrams are read before others get the processor: quic-go keeps
// 256 that a connection has yet to look at, and drops the next ones.
const inARow = 128

// receiver reads what the kernel has put together: datagrams of one size and one sender
// that came in a row are read as one (UDP_GRO). Those that a stem on the same machine or
// a good network card handed over together are not even taken apart before.
type receiver struct {
	try func(fd uintptr) bool // tryRead, made once

	mu     sync.Mutex
	merges bool // the kernel was asked to put together what it can
	reads  Reads
	row    int // datagrams since there was nothing to read
	names  zones

	head unix.Msghdr
	part unix.Iovec
	addr sockaddr
	data [64 << 10]byte
	oob  [128]byte // what quic-go has room for

	n    int // bytes read
	err  error
	rest []byte // of them, not handed out yet
	size int    // of the datagrams in it; the last may be shorter
	from *net.UDPAddr
}

// ReadBatch waits until there are datagrams, and returns how many it has put into the
// messages, each of which has room for one in its first buffer.
func (d *datagrams) ReadBatch(ms []ipv4.Message, _ int) (n int, err error) {
	r := &d.in
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rest) == 0 {
		if err := r.read(d.raw); err != nil {
			return 0, explain(d, "read", "recvmsg", nil, err)
		}
	}
	for n < len(ms) && (n == 0 || len(r.rest) > 0) { // one may be empty
		m, one := &ms[n], r.rest[:min(r.size, len(r.rest))]
		m.N = copy(m.Buffers[0], one)
		m.NN = copy(m.OOB, r.oob[:r.head.Controllen])
		m.Addr, m.Flags = r.from, int(r.head.Flags)
		r.rest = r.rest[len(one):]
		n++
	}
	r.row += n
	return n, nil
}

// read fills rest.
func (r *receiver) read(raw syscall.RawConn) error {
	if !r.merges {
		r.merges = true
		// old kernels don't
		raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1)
		})
	}
	if r.row >= inARow {
		r.row = 0
		runtime.Gosched()
	}
	if err := raw.Read(r.try); err != nil {
		return err
	}
	if r.err != nil {
		return r.err
	}
	r.rest, r.size = r.data[:r.n], r.n
	r.from = r.addr.get(&r.names)
	for oob := r.oob[:r.head.Controllen]; len(oob) > 0; {
		head, body, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		if head.Level == unix.IPPROTO_UDP && head.Type == unix.UDP_GRO && len(body) >= 4 {
			r.size = max(int(binary.NativeEndian.Uint32(body)), 1)
		}
		oob = rest
	}
	return nil
}

func (r *receiver) tryRead(fd uintptr) (done bool) {
	r.part.Base = &r.data[0]
	r.part.SetLen(len(r.data))
	r.head = unix.Msghdr{Name: r.addr.raw(), Namelen: uint32(unsafe.Sizeof(r.addr)), Iov: &r.part,
		Control: &r.oob[0]}
	r.head.SetIovlen(1)
	r.head.SetControllen(len(r.oob))
	call := recvmsg
	if r.reads.tell() {
		call = recvmsgTold
	}
	r.n, r.err = message(call, fd, &r.head)
	r.reads.saw(r.err)
	if r.err == syscall.EAGAIN {
		r.row = 0
		return false
	}
	return true
}
