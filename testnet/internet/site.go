package internet

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// Site is one network with a link to the internet. Its hosts are behind one router, or one
// carrier. A Public site has one host and no router.
type Site struct {
	net       *Internet
	number    int
	kind      natlab.Kind
	scheduler *scheduler
	up, down  *natlab.Lane
	rand      *rand.Rand

	mu       sync.Mutex
	at       int                 // the last byte of its public IPv4 address
	router   *nat                // the one with the public address, or nil
	homes    map[netip.Addr]*nat // routers of a carrier's subscribers, by outside address
	firewall *firewall           // for IPv6, or nil
	hosts    map[netip.Addr]*Host
	count    int  // of hosts
	hairpin  bool // hosts can call each other at the router's public address
}

// maxHosts is how many hosts a site can have.
const maxHosts = 200

func newSite(i *Internet, number int, kind natlab.Kind, link Link) (*Site, error) {
	s := &Site{
		net: i, number: number, kind: kind,
		scheduler: i.schedulers[number%len(i.schedulers)],
		hosts:     map[netip.Addr]*Host{},
		homes:     map[netip.Addr]*nat{},
		rand:      i.random(number, 0),
		at:        1,
	}
	s.up = natlab.NewLane(link, i.random(number, 1))
	s.down = natlab.NewLane(link, i.random(number, 2))
	switch kind {
	case natlab.Public, natlab.TCPOnly:
		return s, nil
	case natlab.EIM, natlab.Symmetric, natlab.Cone, natlab.CGN, natlab.V6, natlab.V6Firewall:
	default:
		return nil, fmt.Errorf("internet: %v is not simulated", kind)
	}
	s.router = newNAT(s.public4(), s.rand)
	i.owner[s.router.outside] = s
	switch kind {
	case natlab.Symmetric:
		s.router.perCallee = true
	case natlab.Cone:
		s.router.first = s.lan4(0)
	case natlab.V6Firewall:
		s.firewall = &firewall{newFlows()}
	}
	return s, nil
}

// random returns the random numbers for one purpose of one site.
func (i *Internet) random(number, purpose int) *rand.Rand {
	return rand.New(rand.NewPCG(i.seed, uint64(number)<<8|uint64(purpose)))
}

// Kind returns the kind of network.
func (s *Site) Kind() natlab.Kind { return s.kind }

// SetLink changes the site's link for future packets.
func (s *Site) SetLink(link Link) {
	s.up.Set(link)
	s.down.Set(link)
}

// SetHairpin sets whether the site's hosts can call each other at the router's public
// address. Most routers refuse that.
func (s *Site) SetHairpin(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hairpin = on
}

// Hairpin returns what SetHairpin set.
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
	if s.count == maxHosts || s.kind == natlab.Public && s.count == 1 {
		return nil, errNoAddress
	}
	h := &Host{site: s, sockets: map[netip.AddrPort]*Socket{}}
	switch s.kind {
	case natlab.Public:
		h.addrs = []netip.Addr{s.public4(), s.public6(0, 1)}
	case natlab.V6, natlab.V6Firewall:
		h.addrs = []netip.Addr{s.lan4(s.count), s.public6(1, s.count+2)}
	case natlab.CGN:
		h.addrs = []netip.Addr{netip.AddrFrom4([4]byte{192, 168, byte(s.count%254 + 1), 2})}
		at := netip.AddrFrom4([4]byte{100, 64, byte(s.count + 1), 1})
		h.home = newNAT(at, s.rand)
		h.home.owner = h
		s.homes[at] = h.home
	default:
		h.addrs = []netip.Addr{s.lan4(s.count)}
	}
	for _, ip := range h.addrs {
		if s.kind != natlab.CGN {
			s.hosts[ip] = h
		}
		if !ip.IsPrivate() {
			s.net.owner[ip] = s
		}
	}
	s.count++
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

// Renumber gives the site's router a new public address and makes it forget its flows, as
// internet providers do at night.
func (s *Site) Renumber() error {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.router == nil {
		return fmt.Errorf("internet: a site of kind %v has no router to renumber", s.kind)
	}
	delete(s.net.owner, s.router.outside)
	s.at = s.at%250 + 1
	s.router.move(s.public4())
	s.net.owner[s.router.outside] = s
	return nil
}

// send sends a packet of a host: within the site, or through its routers to the internet.
func (s *Site) send(h *Host, p packet) {
	s.mu.Lock()
	now := time.Now()
	if near := s.hosts[p.to.Addr()]; near != nil {
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
	} else if s.firewall != nil {
		ok = s.firewall.out(p.from, p.to, now)
	}
	back := s.router != nil && p.to.Addr() == s.router.outside
	ok = ok && (!back || s.hairpin)
	s.mu.Unlock()
	switch {
	case !ok:
		s.net.counts.refused.Add(1)
	case back:
		s.receive(p)
	default:
		s.net.forward(s, p)
	}
}

// queueDown queues a packet at a link with a limited rate.
func (s *Site) queueDown(p packet) {
	at, ok := s.down.Pass(time.Now(), len(p.data)+headers)
	if !ok || !s.scheduler.put(at, p, s.receive) {
		s.net.counts.lost.Add(1)
	}
}

// receive passes a packet from the site's link to its host.
func (s *Site) receive(p packet) {
	if h := s.route(&p); h != nil {
		h.deliver(p)
		return
	}
	s.net.counts.refused.Add(1)
}

// route translates a packet that arrives, and returns its host, or nil if it is refused.
func (s *Site) route(p *packet) *Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	var ok bool
	if !p.to.Addr().Is4() {
		if s.firewall != nil && !s.firewall.in(p.to, p.from, now) {
			return nil
		}
	} else if s.router != nil {
		if p.to, ok = s.router.in(p.to, p.from, now); !ok {
			return nil
		}
		if home := s.homes[p.to.Addr()]; home != nil {
			if p.to, ok = home.in(p.to, p.from, now); !ok {
				return nil
			}
			return home.owner
		}
	}
	return s.hosts[p.to.Addr()]
}
