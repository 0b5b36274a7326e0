package rawio

import (
	"net"
	"syscall"
	"testing"
)

// Some of the reads that find data are ordinary calls, so that the monitor polls the
// network. A read that finds nothing starts the count again.
func TestSomeReadsAreOrdinary(t *testing.T) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range ends {
		defer syscall.Close(end)
		syscall.SetNonblock(end, true)
	}
	var r Reads
	read := func(want error) {
		t.Helper()
		var b [1]byte
		if _, err := r.Read(uintptr(ends[0]), b[:]); err != want {
			t.Fatalf("read: %v, want %v", err, want)
		}
	}
	if _, err := syscall.Write(ends[1], make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	ordinary := 0
	for range 1000 {
		read(nil)
		if r.found == 0 {
			ordinary++
		}
	}
	if ordinary != 1000/256 {
		t.Errorf("%d of 1000 reads were ordinary, want %d", ordinary, 1000/256)
	}
	read(syscall.EAGAIN)
	if r.found != 0 {
		t.Errorf("a read found nothing, and the count is still %d", r.found)
	}
}

// With CELL_RAWIO=off the sockets of package net are used, and all reads are ordinary.
func TestOff(t *testing.T) {
	enabled = false
	defer func() { enabled = true }()
	overSockets(t, func(t *testing.T, pair func() (a, b net.Conn, err error)) {
		a, b, err := pair()
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		defer b.Close()
		if New(a) != a {
			t.Error("New wrapped the socket")
		}
	})
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if UDP(socket) != net.PacketConn(socket) {
		t.Error("UDP wrapped the socket")
	}
	var r Reads
	for range 300 {
		if !r.ordinary() {
			t.Fatal("a read bypasses the scheduler")
		}
	}
}
