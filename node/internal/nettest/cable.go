package nettest

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

// Cable is a UDP path to a host. Once it is cut, packets vanish and nobody is told.
type Cable struct {
	front  *net.UDPConn
	back   atomic.Pointer[net.UDPConn]
	caller atomic.Pointer[net.UDPAddr]
	to     int
	cut    atomic.Bool
	group  sync.WaitGroup
}

// NewCable lays a cable to a port of loopback. It serves one caller at a time.
func NewCable(t testing.TB, to int) *Cable {
	t.Helper()
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: loopback})
	if err != nil {
		t.Fatal(err)
	}
	c := &Cable{front: front, to: to}
	c.Renumber(t)
	c.group.Go(func() {
		c.carry(front, func(data []byte, from *net.UDPAddr) {
			c.caller.Store(from)
			c.back.Load().Write(data)
		})
	})
	t.Cleanup(func() {
		front.Close()
		c.back.Load().Close()
		c.group.Wait()
	})
	return c
}

// Cut cuts the cable.
func (c *Cable) Cut() { c.cut.Store(true) }

// Addr returns the QUIC address of the near end.
func (c *Cable) Addr() ma.Multiaddr {
	port := c.front.LocalAddr().(*net.UDPAddr).Port
	return ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", port))
}

// Renumber changes the address of the far end, as a router may do.
func (c *Cable) Renumber(t testing.TB) {
	t.Helper()
	back, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: loopback, Port: c.to})
	if err != nil {
		t.Fatal(err)
	}
	if was := c.back.Swap(back); was != nil {
		was.Close()
	}
	c.group.Go(func() {
		c.carry(back, func(data []byte, _ *net.UDPAddr) {
			c.front.WriteToUDP(data, c.caller.Load())
		})
	})
}

// Outside returns the address of the far end.
func (c *Cable) Outside() net.Addr { return c.back.Load().LocalAddr() }

// carry passes on what comes from one end until that is closed.
func (c *Cable) carry(from *net.UDPConn, pass func([]byte, *net.UDPAddr)) {
	data := make([]byte, 64<<10)
	for {
		n, addr, err := from.ReadFromUDP(data)
		if err != nil {
			return
		}
		if !c.cut.Load() {
			pass(data[:n], addr)
		}
	}
}
