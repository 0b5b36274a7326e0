package rawio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/quic-go/quic-go"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// quic-go checks for these methods, to do more than a net.PacketConn can.
var _ interface {
	quic.OOBCapablePacketConn
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
} = (*datagrams)(nil)

// udp opens a socket of package net, and one that is read and written directly, on loopback.
func udp(t *testing.T, network string) (stock *net.UDPConn, ours *datagrams) {
	t.Helper()
	loopback := map[string]net.IP{"udp4": net.IPv4(127, 0, 0, 1), "udp6": net.IPv6loopback}[network]
	open := func() *net.UDPConn {
		conn, err := net.ListenUDP(network, &net.UDPAddr{IP: loopback})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		return conn
	}
	stock, ours = open(), UDP(open()).(*datagrams)
	for _, conn := range []*net.UDPConn{stock, ours.UDPConn} { // as quic-go does
		for level, names := range map[int][]int{unix.IPPROTO_IP: {unix.IP_RECVTOS, unix.IP_PKTINFO},
			unix.IPPROTO_IPV6: {unix.IPV6_RECVTCLASS, unix.IPV6_RECVPKTINFO}} {
			for _, name := range names {
				// half of these options belong to the other IP version and fail
				control(t, conn, func(fd int) { unix.SetsockoptInt(fd, level, name, 1) })
			}
		}
	}
	return stock, ours
}

func control(t *testing.T, conn syscall.Conn, f func(fd int)) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func over(t *testing.T, test func(t *testing.T, network string)) {
	for _, network := range []string{"udp4", "udp6"} {
		t.Run(network, func(t *testing.T) { test(t, network) })
	}
}

func addrOf(conn net.PacketConn) *net.UDPAddr { return conn.LocalAddr().(*net.UDPAddr) }

// messages has room for n datagrams of up to size bytes.
func messages(n, size int) []ipv4.Message {
	ms := make([]ipv4.Message, n)
	for i := range ms {
		ms[i].Buffers, ms[i].OOB = [][]byte{make([]byte, size)}, make([]byte, 128)
	}
	return ms
}

// take reads n datagrams, a few at a time.
func take(t *testing.T, conn interface {
	ReadBatch([]ipv4.Message, int) (int, error)
}, n, atATime int) (all []ipv4.Message) {
	t.Helper()
	for len(all) < n {
		ms := messages(min(atATime, n-len(all)), 1500)
		got, err := conn.ReadBatch(ms, 0)
		if err != nil {
			t.Fatalf("after %d of %d: %v", len(all), n, err)
		}
		all = append(all, ms[:got]...)
	}
	return all
}

func text(m ipv4.Message) string { return string(m.Buffers[0][:m.N]) }

// marks returns a datagram's control messages, except the size of merged ones.
func marks(t *testing.T, m ipv4.Message) (marks []string) {
	t.Helper()
	for oob := m.OOB[:m.NN]; len(oob) > 0; {
		head, body, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			t.Fatal(err)
		}
		if head.Level != unix.IPPROTO_UDP {
			marks = append(marks, fmt.Sprintf("%d/%d: %x", head.Level, head.Type, body))
		}
		oob = rest
	}
	slices.Sort(marks)
	return marks
}

func cmsg(level, kind int32, body []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(body)))
	head := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	head.Level, head.Type = level, kind
	head.SetLen(unix.CmsgLen(len(body)))
	copy(b[unix.CmsgLen(0):], body)
	return b
}

func segments(size uint16) []byte {
	return cmsg(unix.IPPROTO_UDP, unix.UDP_SEGMENT, binary.NativeEndian.AppendUint16(nil, size))
}

// congested returns the control message for ECN's ECT(0), which quic-go sends.
func congested(network string) []byte {
	if network == "udp4" {
		return cmsg(unix.IPPROTO_IP, unix.IP_TOS, []byte{2})
	}
	return cmsg(unix.IPPROTO_IPV6, unix.IPV6_TCLASS, binary.NativeEndian.AppendUint32(nil, 2))
}

// Datagrams given to the kernel in one piece arrive one by one and in order, between all
// combinations of stock sockets and ours. Each carries its sender, its ECN bits and the
// address that it was sent to.
func TestDatagramsInOnePiece(t *testing.T) {
	over(t, func(t *testing.T, network string) {
		data := make([]byte, 1000*14+500)
		for i := range data {
			data[i] = byte(i / 100)
		}
		send := func(from interface {
			WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (int, int, error)
		}, to *net.UDPAddr) {
			t.Helper()
			oob := slices.Concat(segments(1000), congested(network))
			if n, oobn, err := from.WriteMsgUDP(data, oob, to); n != len(data) ||
				oobn != len(oob) || err != nil {
				t.Fatalf("wrote %d and %d bytes, %v", n, oobn, err)
			}
		}
		for _, atATime := range []int{1, 4, 8, 100} {
			stock, ours := udp(t, network)
			send(stock, addrOf(stock))
			lone := take(t, ipv4.NewPacketConn(stock), 1, 1)[0]
			if len(marks(t, lone)) < 2 {
				t.Fatalf("a datagram has only the control messages %q", marks(t, lone))
			}
			for name, from := range map[string]*net.UDPAddr{"stock": addrOf(stock),
				"ours": addrOf(ours)} {
				if name == "stock" {
					send(stock, addrOf(ours))
				} else {
					send(ours, addrOf(ours))
				}
				rest := data
				for i, m := range take(t, ours, 15, atATime) {
					want := rest[:min(1000, len(rest))]
					rest = rest[len(want):]
					if !bytes.Equal(m.Buffers[0][:m.N], want) {
						t.Fatalf("from %s, %d at a time: datagram %d has %d bytes of %x, want %d of %x", name, atATime, i, m.N, m.Buffers[0][0], len(want), want[0])
					}
					if !slices.Equal(marks(t, m), marks(t, lone)) {
						t.Errorf("control messages %q, want %q", marks(t, m), marks(t, lone))
					}
					if m.Addr.String() != from.String() {
						t.Errorf("from %v, want %v", m.Addr, from)
					}
				}
			}
			send(ours, addrOf(stock))
			if got := take(t, ipv4.NewPacketConn(stock), 1, 1)[0]; got.N != 1000 {
				t.Errorf("a stock socket reads %d bytes, and ours sent pieces of 1000", got.N)
			}
		}
	})
}

// Datagrams of all sizes arrive whole, or cut to the buffer's size.
func TestDatagramsOfAllSizes(t *testing.T) {
	over(t, func(t *testing.T, network string) {
		stock, ours := udp(t, network)
		for _, size := range []int{0, 1, 1200, 1500, 1501, 9000} {
			for _, from := range []net.PacketConn{stock, ours} {
				if _, _, err := from.(quic.OOBCapablePacketConn).WriteMsgUDP(make([]byte, size),
					nil, addrOf(ours)); err != nil {
					t.Fatal(err)
				}
				got := take(t, ours, 1, 8)
				if len(got) != 1 || got[0].N != min(size, 1500) ||
					got[0].Addr.String() != addrOf(from).String() {
					t.Errorf("sent %d bytes, got %d messages of %d from %v", size, len(got),
						got[0].N, got[0].Addr)
				}
			}
		}
	})
}

// A read waits, and returns when a datagram arrives, at the deadline, or when the socket
// is closed. quic-go relies on this to shut down.
func TestDatagramReadWaits(t *testing.T) {
	stock, ours := udp(t, "udp4")
	reads := make(chan error)
	read := func() {
		ms := messages(8, 1500)
		n, err := ours.ReadBatch(ms, 0)
		if err == nil && (n != 1 || text(ms[0]) != "hello") {
			err = fmt.Errorf("read %d messages, the first is %q", n, text(ms[0]))
		}
		reads <- err
	}
	go read()
	waiting(t, ours)
	stock.WriteTo([]byte("hello"), addrOf(ours))
	if err := <-reads; err != nil {
		t.Error(err)
	}
	go read()
	waiting(t, ours)
	ours.SetReadDeadline(time.Now())
	err := <-reads
	if temporary, ok := err.(net.Error); !ok || !temporary.Timeout() ||
		!errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read at the deadline: %v", err)
	}
	ours.SetReadDeadline(time.Time{})
	go read()
	waiting(t, ours)
	ours.Close()
	if err := <-reads; !errors.Is(err, net.ErrClosed) {
		t.Errorf("read during Close: %v", err)
	}
	if _, _, err := ours.WriteMsgUDP([]byte("x"), nil, addrOf(stock)); !errors.Is(err,
		net.ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
}

// waiting returns once ReadBatch is running. It may not block yet, which makes no
// difference.
func waiting(t *testing.T, d *datagrams) {
	t.Helper()
	for began := time.Now(); d.in.mu.TryLock(); runtime.Gosched() {
		d.in.mu.Unlock()
		if time.Since(began) > 10*time.Second {
			t.Fatal("nobody reads")
		}
	}
}

// A write to a full socket is tried again once there is room.
func TestDatagramWriteWaits(t *testing.T) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range ends {
		defer syscall.Close(end)
		syscall.SetNonblock(end, true)
	}
	var s sender
	var one [1]byte
	s.part.Base = &one[0]
	s.part.SetLen(1)
	s.head.Iov = &s.part
	s.head.SetIovlen(1)
	full := false
	for n := 0; !full && n < 1000; n++ {
		full = !s.tryWrite(uintptr(ends[0]))
	}
	if !full || s.err != syscall.EAGAIN {
		t.Fatalf("a full socket returns %v", s.err)
	}
	syscall.Read(ends[1], one[:])
	if !s.tryWrite(uintptr(ends[0])) || s.err != nil || s.n != 1 {
		t.Errorf("once there was room: wrote %d, %v", s.n, s.err)
	}
}

// quic-go inspects errors: EMSGSIZE tells its path MTU discovery that a probe was too large.
func TestDatagramErrors(t *testing.T) {
	stock, ours := udp(t, "udp4")
	_, _, want := stock.WriteMsgUDP(make([]byte, 70_000), nil, addrOf(stock))
	_, _, err := ours.WriteMsgUDP(make([]byte, 70_000), nil, addrOf(stock))
	var sys *os.SyscallError
	if !errors.Is(err, syscall.EMSGSIZE) || !errors.As(err, &sys) || sys.Syscall != "sendmsg" {
		t.Errorf("too large: %v", err)
	}
	if got, want := err.Error(), strings.NewReplacer("udp4", "udp", addrOf(stock).String()+"->",
		addrOf(ours).String()+"->").Replace(want.Error()); got != want {
		t.Errorf("error %q, and package net has %q", got, want)
	}
	if _, _, err := ours.WriteMsgUDP([]byte("x"), nil,
		&net.UDPAddr{IP: net.IPv6loopback, Port: 1}); err == nil {
		t.Error("an IPv4 socket wrote to an IPv6 address")
	}
	if _, _, err := ours.WriteMsgUDP([]byte("x"), nil, nil); err == nil {
		t.Error("wrote without an address")
	}
}

// Other goroutines get the processor before quic-go's queue is full, however much there
// is to read.
func TestDatagramReadsLetOthersRun(t *testing.T) {
	stock, ours := udp(t, "udp4")
	ours.SetReadBuffer(4 << 20)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for i := range 250 { // of changing sizes, so that none are put together
		stock.WriteTo(make([]byte, 1+i%2), addrOf(ours))
	}
	var ran atomic.Bool
	go ran.Store(true)
	take(t, ours, inARow+1, 8)
	if !ran.Load() {
		t.Errorf("no other goroutine ran during %d datagrams", inARow+1)
	}
}

// Zones have the names that package net gives them, so that an answer finds its way back.
func TestZones(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	var names zones
	for index, want := range map[uint32]string{0: "", uint32(lo.Index): "lo",
		1 << 30: "1073741824"} {
		for range 2 {
			if got := names.of(index); got != want {
				t.Errorf("%d is %q, want %q", index, got, want)
			}
		}
	}
	from := sockaddr{Family: unix.AF_INET6, Scope_id: uint32(lo.Index)}
	copy(from.Addr[:], net.IPv6loopback)
	binary.BigEndian.PutUint16(from.port()[:], 4433)
	if got := from.get(&names).String(); got != "[::1%lo]:4433" {
		t.Error(got)
	}
	if size := from.set(from.get(&names), &net.UDPAddr{IP: net.IPv6zero}); size != 0 {
		t.Error("an address in a zone must be left to package net")
	}
}
