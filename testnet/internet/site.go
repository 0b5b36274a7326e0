package internet

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// Site is one network, at the end of a line. All its hosts are behind one router, or one
// carrier, unless its kind is Public: then it is one host.
type Site struct {
	net      *Internet
	number   int
	kind     natlab.Kind
	carrier  *carrier
	up, down *natlab.Lane

	mu     sync.Mutex
	at     int                 // the last number in its public IPv4 address
	router *nat                // the one with a public address; nil if there is none
	homes  map[netip.Addr]*nat // of a carrier's subscribers, by their address in its network
	hosts  map[netip.Addr]*Host
	wall   *wall // for IPv6
	rand   *rand.Rand
	made   int // how many hosts
	// hairpin lets hosts call each other at the router's public address.
	hairpin bool
}

// maxHosts is how many hosts a site has room for.
const maxHosts = 200

func newSite(i *Internet, number int, kind natlab.Kind, link Link) (*Site, error) {
	s := &Site{
		net: i, number: number, kind: kind,
		carrier: i.carriers[number%len(i.carriers)],
		hosts:   map[netip.Addr]*Host{},
		homes:   map[netip.Addr]*nat{},
		rand:    i.chance(number, 0),
		at:      1,
	}
	s.up = natlab.NewLane(link, i.chance(number, 1))
	s.down = natlab.NewLane(link, i.chance(number, 2))
	switch kind {
	case natlab.Public, natlab.TCPOnly:
	case natlab.EIM, natlab.CGN, natlab.V6, natlab.V6Firewall:
		s.router = newNAT(s.public4(), s.rand)
	case natlab.Symmetric:
		s.router = newNAT(s.public4(), s.rand)
		s.router.perCallee = true
	case natlab.Cone:
		s.router = newNAT(s.public4(), s.rand)
		s.router.first = s.lan4(0)
	default:
		return nil, fmt.Errorf("internet: %v is not simulated", kind)
	}
	if kind == natlab.V6Firewall {
		s.wall = newWall()
	}
	if s.router != nil {
		i.owner[s.router.outside] = s
	}
	return s, nil
}

// chance is a source of random numbers for one thing of one site.
func (i *Internet) chance(number, what int) *rand.Rand {
	return rand.New(rand.NewPCG(i.seed, uint64(number)<<8|uint64(what)))
}

// Kind is what the site is.
func (s *Site) Kind() natlab.Kind { return s.kind }

// SetLink changes the site's line for packets to come.
func (s *Site) SetLink(link Link) {
	s.up.Set(link)
	s.down.Set(link)
}

// SetHairpin says whether the site's hosts can call each other at their router's public
// address, which most routers refuse.
func (s *Site) SetHairpin(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hairpin = on
}

// Hairpin says whether they can.
func (s *Site) Hairpin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hairpin
}

// Host adds a host.
func (s *Site) Host() (*Host, error) {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == maxHosts || s.kind == natlab.Public && s.made == 1 {
		return nil, errNoAddress
	}
	h := &Host{site: s, sockets: map[netip.AddrPort]*Socket{}}
	switch s.kind {
	case natlab.Public:
		h.addrs = []netip.Addr{s.public4(), s.public6(0, 1)}
	case natlab.V6, natlab.V6Firewall:
		h.addrs = []netip.Addr{s.lan4(s.made), s.public6(1, s.made+2)}
	case natlab.CGN:
		h.addrs = []netip.Addr{netip.AddrFrom4([4]byte{192, 168, byte(s.made%254 + 1), 2})}
		at := netip.AddrFrom4([4]byte{100, 64, byte(s.made + 1), 1})
		h.home = newNAT(at, s.rand)
		h.home.first = netip.Addr{}
		s.homes[at] = h.home
		h.home.owner = h
	default:
		h.addrs = []netip.Addr{s.lan4(s.made)}
	}
	for _, ip := range h.addrs {
		if s.kind != natlab.CGN {
			s.hosts[ip] = h
		}
		if !ip.IsPrivate() {
			s.net.owner[ip] = s
		}
	}
	s.made++
	return h, nil
}

func (s *Site) public4() netip.Addr {
	return netip.AddrFrom4([4]byte{45, byte(s.number >> 8), byte(s.number), byte(s.at)})
}

func (s *Site) public6(subnet, n int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x2a, 0x01, byte(s.number >> 8), byte(s.number), 4: 0,
		5: byte(subnet), 14: byte(n >> 8), 15: byte(n)})
}

func (s *Site) lan4(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{192, 168, byte(s.number%254 + 1), byte(n + 2)})
}

// Renumber gives the site's router another public address and has it forget who called
// whom, as providers do at night.
func (s *Site) Renumber() error {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.router == nil {
		return fmt.Errorf("internet: a site of kind %v has no router with an address", s.kind)
	}
	delete(s.net.owner, s.router.outside)
	s.at = s.at%250 + 1
	s.router.move(s.public4())
	s.net.owner[s.router.outside] = s
	return nil
}

// leave takes a packet that a host sends.
func (s *Site) leave(h *Host, p packet) {
	s.mu.Lock()
	now := time.Now()
	if near := s.hosts[p.to.Addr()]; near != nil { // in the same network
		s.mu.Unlock()
		near.deliver(p)
		return
	}
	ok := s.kind != natlab.TCPOnly
	if p.from.Addr().Is4() {
		for _, router := range []*nat{h.home, s.router} {
			if ok && router != nil {
				p.from, ok = router.out(p.from, p.to, now)
			}
		}
	} else if s.wall != nil {
		ok = s.wall.out(p.from, p.to, now)
	}
	back := s.router != nil && p.to.Addr() == s.router.outside
	ok = ok && (!back || s.hairpin)
	s.mu.Unlock()
	switch {
	case !ok:
		s.net.counts.refused.Add(1)
	case back:
		s.enter(p)
	default:
		s.net.carry(s, p)
	}
}

// arrive takes a packet at the far end of a line where packets take turns.
func (s *Site) arrive(p packet) {
	at, ok := s.down.Pass(time.Now(), len(p.data)+headers)
	if !ok || !s.carrier.put(at, p, s.enter) {
		s.net.counts.lost.Add(1)
	}
}

// enter takes a packet that has come down the line.
func (s *Site) enter(p packet) {
	if h := s.admit(&p); h != nil {
		h.deliver(p)
		return
	}
	s.net.counts.refused.Add(1)
}

// admit says which host a packet is for, and translates it.
func (s *Site) admit(p *packet) *Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !p.to.Addr().Is4() {
		if s.wall != nil && !s.wall.in(p.to, p.from, now) {
			return nil
		}
		return s.hosts[p.to.Addr()]
	}
	if s.router == nil {
		return s.hosts[p.to.Addr()]
	}
	var ok bool
	if p.to, ok = s.router.in(p.to, p.from, now); !ok {
		return nil
	}
	if s.kind != natlab.CGN {
		return s.hosts[p.to.Addr()]
	}
	home := s.homes[p.to.Addr()]
	if home == nil {
		return nil
	}
	if p.to, ok = home.in(p.to, p.from, now); !ok {
		return nil
	}
	return home.owner
}
