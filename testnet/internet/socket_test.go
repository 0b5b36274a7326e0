package internet

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// A socket ends its reads at its deadline, and when it is closed, and frees its port.
func TestSocket(t *testing.T) {
	inWorld(t, func(w world) {
		h := w.host(natlab.Public)
		s := w.listen(h, 0, 4433)
		if _, err := h.ListenUDP(s.at); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second socket on the port: %v", err)
		}
		if _, err := h.ListenUDP(netip.MustParseAddrPort("192.0.2.1:1")); !errors.Is(err,
			syscall.EADDRNOTAVAIL) {
			t.Errorf("at a foreign address: %v", err)
		}
		one, other := w.listen(h, 0, 0), w.listen(h, 0, 0)
		if one.at == other.at || one.at.Port() == 0 {
			t.Errorf("any port is %v and %v", one.at, other.at)
		}

		read := func() error {
			_, _, err := s.ReadFrom(make([]byte, 1))
			return err
		}
		began := time.Now()
		check(t, s.SetReadDeadline(began.Add(time.Second)))
		if err := read(); !errors.Is(err, os.ErrDeadlineExceeded) ||
			time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		check(t, s.SetReadDeadline(time.Time{}))
		done := make(chan error)
		go func() { done <- read() }()
		time.Sleep(time.Hour)
		check(t, s.SetReadDeadline(time.Now().Add(-time.Second)))
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a deadline that has passed: %v", err)
		}
		check(t, s.SetReadDeadline(time.Time{}))
		go func() { done <- read() }()
		time.Sleep(time.Hour)
		check(t, s.Close())
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		if _, err := s.WriteTo(nil, s.LocalAddr()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write when closed: %v", err)
		}
		w.listen(h, 0, 4433)
	})
}

// A socket that nobody reads holds a bounded number of packets.
func TestQueue(t *testing.T) {
	inWorld(t, func(w world) {
		a, b := w.listen(w.host(natlab.Public), 0, 0), w.listen(w.host(natlab.Public), 0, 0)
		for range 2 * maxQueue {
			a.send("x", b.at)
		}
		time.Sleep(patience)
		if len(b.queue) != maxQueue || w.Stats().Lost != maxQueue {
			t.Errorf("holds %d, %+v", len(b.queue), w.Stats())
		}
	})
}
