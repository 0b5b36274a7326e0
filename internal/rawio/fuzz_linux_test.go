package rawio

import (
	"encoding/binary"
	"net"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FuzzControl checks that ReadBatch splits merged datagrams into pieces that add up,
// whatever the kernel writes beside them.
func FuzzControl(f *testing.F) {
	merged := func(size int32) []byte {
		return cmsg(unix.IPPROTO_UDP, unix.UDP_GRO,
			binary.NativeEndian.AppendUint32(nil, uint32(size)))
	}
	for _, oob := range [][]byte{nil, merged(1000), merged(0), merged(-1), merged(1 << 30),
		append(congested("udp4"), merged(7)...), merged(7)[:unix.CmsgLen(2)],
		cmsg(unix.IPPROTO_UDP, unix.UDP_GRO, []byte{1, 2})} {
		f.Add(oob, uint16(2500))
		f.Add(oob, uint16(0))
	}
	f.Fuzz(func(t *testing.T, oob []byte, n uint16) {
		size := mergedSize(oob)
		if size < 0 {
			t.Fatalf("size %d", size)
		}
		r := receiver{n: int(n), size: int(n)}
		if size > 0 {
			r.size = size
		}
		r.rest = r.data[:r.n]
		total := 0
		for first := true; first || len(r.rest) > 0; first = false {
			m := messages(1, 65_535)
			if got := r.next(m); got != 1 {
				t.Fatalf("filled %d messages of 1", got)
			}
			total += m[0].N
		}
		if total != int(n) {
			t.Errorf("%d bytes came in pieces of %d, want %d", total, size, n)
		}
	})
}

// FuzzSockaddr checks that a peer's address survives the kernel's format.
func FuzzSockaddr(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1}, uint16(4433))
	f.Add([]byte(net.IPv6loopback), uint16(0))
	f.Add([]byte(net.IPv4(10, 0, 0, 1).To16()), uint16(1))
	f.Add([]byte{}, uint16(1))
	f.Add([]byte{1, 2, 3}, uint16(1))
	f.Fuzz(func(t *testing.T, ip []byte, port uint16) {
		peer := &net.UDPAddr{IP: ip, Port: int(port)}
		for _, local := range []net.IP{net.IPv4zero, net.IPv6zero} {
			var a sockaddr
			size := a.set(peer, &net.UDPAddr{IP: local})
			if int(size) > int(unsafe.Sizeof(a)) {
				t.Fatalf("a length of %d", size)
			}
			if size == 0 {
				continue // left to package net
			}
			if got := a.get(&zones{}); got.String() != peer.String() {
				t.Errorf("%v became %v", peer, got)
			}
		}
	})
}
