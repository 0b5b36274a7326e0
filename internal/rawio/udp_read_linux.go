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

// inARow is how many datagrams are read before other goroutines get the processor: quic-go
// queues 256 per connection and drops the rest.
const inARow = 128

// receiver reads several datagrams with one call: the kernel merges consecutive ones of
// the same size and sender (UDP_GRO). If a stem on this machine or the network card
// delivered them together, the kernel never splits them in the first place.
type receiver struct {
	try func(fd uintptr) bool // tryRead, allocated once

	mu     sync.Mutex
	merges bool // UDP_GRO has been set
	reads  Reads
	row    int // datagrams read since there was nothing to read
	names  zones

	head unix.Msghdr
	part unix.Iovec
	addr sockaddr
	data [64 << 10]byte
	oob  [128]byte // as large as quic-go's

	n    int // bytes read
	err  error
	rest []byte // those not returned yet
	size int    // of each datagram in rest; the last may be shorter
	from *net.UDPAddr
}

// ReadBatch waits for datagrams and returns how many messages it has filled. Each message
// receives one datagram, in its first buffer.
func (d *datagrams) ReadBatch(ms []ipv4.Message, _ int) (n int, err error) {
	r := &d.in
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rest) == 0 {
		if err := r.read(d.raw); err != nil {
			return 0, explain(d, "read", "recvmsg", nil, err)
		}
	}
	return r.next(ms), nil
}

// next moves datagrams from rest into the messages, at least one, which may be empty.
func (r *receiver) next(ms []ipv4.Message) (n int) {
	for n < len(ms) && (n == 0 || len(r.rest) > 0) {
		m, one := &ms[n], r.rest[:min(r.size, len(r.rest))]
		m.N = copy(m.Buffers[0], one)
		m.NN = copy(m.OOB, r.oob[:r.head.Controllen])
		m.Addr, m.Flags = r.from, int(r.head.Flags)
		r.rest = r.rest[len(one):]
		n++
	}
	r.row += n
	return n
}

// read fills rest.
func (r *receiver) read(raw syscall.RawConn) error {
	if !r.merges {
		r.merges = true
		raw.Control(func(fd uintptr) { // an error is fine: old kernels don't merge
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
	if size := mergedSize(r.oob[:r.head.Controllen]); size > 0 {
		r.size = size
	}
	return nil
}

// mergedSize returns the size of the datagrams that the kernel has merged, which is in a
// control message, or 0 if there is none.
func mergedSize(oob []byte) (size int) {
	for len(oob) > 0 {
		head, body, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		if head.Level == unix.IPPROTO_UDP && head.Type == unix.UDP_GRO && len(body) >= 4 {
			size = max(int(int32(binary.NativeEndian.Uint32(body))), 1)
		}
		oob = rest
	}
	return size
}

func (r *receiver) tryRead(fd uintptr) (done bool) {
	r.part.Base = &r.data[0]
	r.part.SetLen(len(r.data))
	r.head = unix.Msghdr{Name: r.addr.raw(), Namelen: uint32(unsafe.Sizeof(r.addr)), Iov: &r.part,
		Control: &r.oob[0]}
	r.head.SetIovlen(1)
	r.head.SetControllen(len(r.oob))
	call := recvmsg
	if r.reads.ordinary() {
		call = ordinaryRecvmsg
	}
	r.n, r.err = message(call, fd, &r.head)
	r.reads.saw(r.err)
	if r.err == syscall.EAGAIN {
		r.row = 0
		return false
	}
	return true
}
