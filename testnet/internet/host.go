package internet

import (
	"fmt"
	"net/netip"
	"sync"
	"syscall"
)

// Host is a machine of a site.
type Host struct {
	site  *Site
	home  *nat // its own router, if it is a carrier's subscriber
	addrs []netip.Addr

	mu        sync.Mutex
	unplugged bool
	sockets   map[netip.AddrPort]*Socket
	next      uint16 // the port that is tried next when any will do
}

// Addrs are the host's addresses: one of IPv4, and one of IPv6 behind it if there is that.
func (h *Host) Addrs() []netip.Addr { return h.addrs }

// Site is where the host is.
func (h *Host) Site() *Site { return h.site }

// anyPort is where the ports begin that are given out when any will do.
const anyPort = 32768

// ListenUDP opens a socket at an address of the host; port 0 is any. The error is
// syscall.EADDRINUSE if the port is taken.
func (h *Host) ListenUDP(at netip.AddrPort) (*Socket, error) {
	if !h.has(at.Addr()) {
		return nil, fmt.Errorf("listen udp %v: %w", at, syscall.EADDRNOTAVAIL)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for range 1 << 15 {
		if at.Port() != 0 {
			break
		}
		free := netip.AddrPortFrom(at.Addr(), anyPort+h.next%(1<<15))
		h.next++
		if h.sockets[free] == nil {
			at = free
		}
	}
	if at.Port() == 0 || h.sockets[at] != nil {
		return nil, fmt.Errorf("listen udp %v: %w", at, syscall.EADDRINUSE)
	}
	s := newSocket(h, at)
	h.sockets[at] = s
	return s, nil
}

func (h *Host) has(ip netip.Addr) bool {
	for _, own := range h.addrs {
		if own == ip {
			return true
		}
	}
	return false
}

// Unplug pulls the host's cable: nothing that is sent leaves, and nothing arrives.
func (h *Host) Unplug() { h.plug(false) }

// Plug puts the cable back.
func (h *Host) Plug() { h.plug(true) }

func (h *Host) plug(in bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unplugged = !in
}

// send takes a packet of one of the host's sockets.
func (h *Host) send(p packet) {
	h.mu.Lock()
	unplugged := h.unplugged
	h.mu.Unlock()
	counts := &h.site.net.counts
	switch {
	case unplugged:
	case len(p.data) > MTU-headers:
		counts.refused.Add(1)
	case h.has(p.to.Addr()):
		h.deliver(p)
	default:
		counts.packets.Add(1)
		counts.bytes.Add(uint64(len(p.data) + headers))
		h.site.leave(h, p)
	}
}

// deliver gives a packet to the socket that it is for.
func (h *Host) deliver(p packet) {
	h.mu.Lock()
	s := h.sockets[p.to]
	if h.unplugged {
		s = nil
	}
	h.mu.Unlock()
	switch {
	case s == nil:
		h.site.net.counts.refused.Add(1)
	case !s.put(p):
		h.site.net.counts.lost.Add(1)
	}
}
