package internet

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"
)

// Host is a host of a site.
type Host struct {
	site  *Site
	home  *nat // its own router, if the site is a carrier
	addrs []netip.Addr

	mu        sync.Mutex
	unplugged bool
	sockets   map[netip.AddrPort]*Socket
	next      uint16 // the next ephemeral port to try, from ephemeral
}

// Addrs returns the host's IPv4 address, and its IPv6 address if it has one.
func (h *Host) Addrs() []netip.Addr { return h.addrs }

// Site returns the host's site.
func (h *Host) Site() *Site { return h.site }

// ephemeral is the first of the ports for sockets that ask for port 0.
const ephemeral = 32768

// ListenUDP opens a socket on an address of the host. Port 0 means any. It returns
// syscall.EADDRINUSE if the port is taken.
func (h *Host) ListenUDP(at netip.AddrPort) (*Socket, error) {
	if !slices.Contains(h.addrs, at.Addr()) {
		return nil, fmt.Errorf("listen udp %v: %w", at, syscall.EADDRNOTAVAIL)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for range 1 << 15 {
		if at.Port() != 0 {
			break
		}
		free := netip.AddrPortFrom(at.Addr(), ephemeral+h.next%(1<<15))
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

// Unplug disconnects the host: it sends and receives no packets.
func (h *Host) Unplug() { h.setUnplugged(true) }

// Plug reconnects the host.
func (h *Host) Plug() { h.setUnplugged(false) }

func (h *Host) setUnplugged(unplugged bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unplugged = unplugged
}

// send sends a packet from one of the host's sockets.
func (h *Host) send(p packet) {
	h.mu.Lock()
	unplugged := h.unplugged
	h.mu.Unlock()
	counts := &h.site.net.counts
	switch {
	case unplugged:
	case len(p.data) > MTU-headers:
		counts.refused.Add(1)
	case slices.Contains(h.addrs, p.to.Addr()):
		h.deliver(p)
	default:
		counts.packets.Add(1)
		counts.bytes.Add(uint64(len(p.data) + headers))
		h.site.send(h, p)
	}
}

// deliver gives a packet to its socket.
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
