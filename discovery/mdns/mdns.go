// Package mdns lets hosts of a local network find each other without a server: it announces this
// one and hears the others, as libp2p's specification of mDNS says
// (https://github.com/libp2p/specs/blob/master/discovery/mdns.md).
//
//	s := mdns.New(mdns.Config{Service: "_p2p._udp", Texts: texts, Found: found})
//	go s.Run(ctx)
//	s.Refresh() // an address or an interface came or went
//	s.Query()   // somebody is looked for now
//
// What it promises: either IP version works without the other, on each interface by itself. After
// Refresh the network hears of the new addresses at once. Nothing that others send is remembered
// here. Run ends within a second after its context.
//
// What it leaves to others: which addresses are announced, and what to make of those heard. Anybody
// in the network may announce anything.
package mdns

import (
	"context"
	"crypto/rand"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

const (
	// bursts is how many announcements follow a change, and quiet and slow the first and the
	// longest pause between queries, which double (RFC 6762, 5.2 and 8.3).
	bursts = 3
	quiet  = time.Second
	slow   = 5 * time.Minute
	// packetRate bounds how many packets a second are read with care. A network with a thousand
	// hosts that all answer one query stays below it.
	packetRate = 1000
)

// Config says what to announce and whom to tell. All but Log must be filled.
type Config struct {
	// Service is the name under which all hosts look for each other, as in _p2p._udp.
	Service string
	// Texts are announced on an interface: strings of at most 255 bytes, the best first. They are
	// asked for each time. If there are none, we only listen there.
	Texts func(net.Interface) []string
	// Found is told what a host announces, on which interface, each time that it is heard. It
	// does not wait. It may be called by two goroutines at once.
	Found func(on *net.Interface, texts []string)
	// Log hears once when no packet can be sent. If nil, nobody does.
	Log *slog.Logger
}

// Responder announces and listens while Run runs.
type Responder struct {
	Config
	service  string // its full name
	refresh  chan struct{}
	query    chan struct{}
	asked    chan int // by whom: the index of an interface
	sockets  [2]*socket
	incoming *rate.Limiter

	state // of Run alone
}

// state is what Run knows from one step to the next.
type state struct {
	instance string // our full name, a new one for each set of addresses
	told     int    // how often it was announced
	announce time.Time
	asking   time.Time
	pause    time.Duration     // until the query after the next
	last     time.Time         // of our queries
	answers  map[int]time.Time // when an interface gets its answer
	answered map[int]time.Time // when it got its last
	failing  bool
}

// New makes a Responder. It opens nothing before Run.
func New(cfg Config) *Responder {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Responder{
		Config:   cfg,
		service:  strings.Trim(cfg.Service, ".") + ".local.",
		refresh:  make(chan struct{}, 1),
		query:    make(chan struct{}, 1),
		asked:    make(chan int, 16),
		incoming: rate.NewLimiter(packetRate, packetRate),
	}
	s.sockets = [2]*socket{{listen: listen4, handle: s.handle}, {listen: listen6, handle: s.handle}}
	return s
}

// Refresh has the network told anew what Texts says now, and asked anew who is there.
func (s *Responder) Refresh() { signal(s.refresh) }

// Query asks who is there, at most once a second.
func (s *Responder) Query() { signal(s.query) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run announces and listens until ctx ends, and then says goodbye.
func (s *Responder) Run(ctx context.Context) {
	s.state = state{answers: map[int]time.Time{}, answered: map[int]time.Time{}}
	s.restart()
	defer func() {
		for _, socket := range s.sockets {
			socket.close()
		}
	}()
	for {
		timer := time.NewTimer(time.Until(s.next()))
		select {
		case <-ctx.Done():
			timer.Stop()
			s.leave()
			return
		case <-s.refresh:
			s.leave()
			s.restart()
		case <-s.query:
			if at := s.last.Add(quiet); at.Before(s.asking) {
				s.asking = at
			}
		case iface := <-s.asked:
			s.owe(iface)
		case <-timer.C:
		}
		timer.Stop()
		s.step(time.Now())
	}
}

// restart takes a new name, since many libraries report a name only once, and begins a burst.
func (s *Responder) restart() {
	s.instance = strings.ToLower(rand.Text()+rand.Text()) + "." + s.service
	s.told, s.announce, s.asking, s.pause = 0, time.Now(), time.Now(), quiet
}

// owe plans an answer on an interface: after a moment, since many may answer, and at most one a
// second (RFC 6762, 6).
func (s *Responder) owe(iface int) {
	if _, planned := s.answers[iface]; planned {
		return
	}
	at := time.Now().Add(20*time.Millisecond + mathrand.N(100*time.Millisecond))
	if next := s.answered[iface].Add(time.Second); next.After(at) {
		at = next
	}
	s.answers[iface] = at
}

// next says when something is to be done.
func (s *Responder) next() time.Time {
	at := s.asking
	if s.told < bursts && s.announce.Before(at) {
		at = s.announce
	}
	for _, planned := range s.answers {
		if planned.Before(at) {
			at = planned
		}
	}
	return at
}

// step does what is due.
func (s *Responder) step(now time.Time) {
	announce := s.told < bursts && !s.announce.After(now)
	ask := !s.asking.After(now)
	interfaces := usable()
	if announce {
		s.told++
		s.announce = now.Add(quiet << (s.told - 1))
	}
	for i, iface := range interfaces {
		at, owed := s.answers[iface.Index]
		if announce || owed && !at.After(now) {
			s.answered[iface.Index] = now
			delete(s.answers, iface.Index)
			s.tell(interfaces[i:i+1], false)
		}
	}
	for index, at := range s.answers { // whose interface went away
		if !at.After(now) {
			delete(s.answers, index)
			delete(s.answered, index)
		}
	}
	if ask {
		s.last = now
		s.asking = now.Add(s.pause + mathrand.N(s.pause/2))
		s.pause = min(2*s.pause, slow)
		if packet, err := query(s.service); err == nil {
			s.send(packet, interfaces)
		}
	}
}

// leave takes back what was announced.
func (s *Responder) leave() {
	if s.told > 0 {
		s.tell(usable(), true)
	}
}

// tell announces us on each of the interfaces, or takes that back.
func (s *Responder) tell(interfaces []net.Interface, leaving bool) {
	for i, iface := range interfaces {
		texts := s.Texts(iface)
		if len(texts) == 0 && !leaving {
			continue
		}
		packet, err := describe(s.service, announcement{s.instance, texts, leaving},
			addresses(iface))
		if err != nil {
			s.Log.Warn("can't announce this machine in the local network", "err", err)
			continue
		}
		s.send(packet, interfaces[i:i+1])
	}
}

// send sends a packet on each of the interfaces, over both IP versions where both work.
func (s *Responder) send(packet []byte, interfaces []net.Interface) {
	var sent bool
	var last error
	for _, socket := range s.sockets {
		conn, err := socket.get(interfaces)
		if err != nil {
			last = err
			continue
		}
		for _, iface := range interfaces {
			if err := conn.send(packet, iface.Index); err != nil {
				last = err
				continue
			}
			sent = true
		}
	}
	if failing := !sent && last != nil; failing != s.failing {
		s.failing = failing
		if failing {
			s.Log.Warn("the local network can't be searched", "err", last)
		}
	}
}

// handle is called by the readers.
func (s *Responder) handle(packet []byte, index int) {
	if !s.incoming.Allow() {
		return
	}
	m, err := parse(packet, s.service)
	if err != nil {
		return
	}
	if m.asks {
		select {
		case s.asked <- index:
		default: // the others who ask get the same answer
		}
	}
	if len(m.heard) == 0 {
		return
	}
	iface, err := net.InterfaceByIndex(index)
	if err != nil {
		return
	}
	for _, a := range m.heard {
		if !a.leaving {
			s.Found(iface, a.texts)
		}
	}
}

// usable lists the interfaces that are up and can multicast.
func usable() (list []net.Interface) {
	all, _ := net.Interfaces()
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagMulticast != 0 {
			list = append(list, i)
		}
	}
	return list
}

// addresses returns up to eight IP addresses of an interface.
func addresses(i net.Interface) (ips []netip.Addr) {
	all, _ := i.Addrs()
	for _, addr := range all {
		if prefix, err := netip.ParsePrefix(addr.String()); err == nil && len(ips) < 8 {
			ips = append(ips, prefix.Addr().Unmap().WithZone(""))
		}
	}
	return ips
}
