// Package portmap has the router open ports to this machine, by NAT-PMP (RFC 6886) or
// else by UPnP, and keeps them open.
//
//	m := portmap.New(portmap.Config{Port: 4433, Listens: func(netip.Addr) bool { return true }})
//	go m.Run(ctx)          // gives the ports back when ctx ends
//	m.State()              // {Router: 192.168.1.1, By: "NAT-PMP", Outside: 203.0.113.5, UDP: 4433, TCP: 4433}
//
// It promises: nothing is sent to anyone but the default gateway, and by multicast to the
// network that it is in, where UPnP asks who is a router. What the router answers is
// bounded in size and time, and all that comes of a lie is a wrong State. So whoever uses
// an address of it makes sure first that it leads here.
//
// It leaves out IPv6, where nothing is translated, and PCP, which those routers speak
// that speak NAT-PMP, too.
package portmap

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// lease is how long a port stays open if nobody renews it, as after a crash. It is
	// renewed when half of it is over.
	lease = 2 * time.Minute
	// lookEvery is how often a router that has opened ports is asked whether it still
	// knows of them.
	lookEvery = 15 * time.Second
	// stepWait bounds all that is asked of a router at a time, and stopWait how long the
	// end may take.
	stepWait = 15 * time.Second
	stopWait = time.Second
	// A router that opened nothing is asked again after minPause, then twice that, up to maxPause.
	minPause = 20 * time.Second
	maxPause = 10 * time.Minute
)

// Config says what is to be opened.
type Config struct {
	// Port is ours, of UDP and TCP. The router is asked for the same ones, and may give others.
	Port uint16
	// Listens says whether we answer at an address of this machine.
	Listens func(netip.Addr) bool
	// Changed is told each time that State has become another one, and does not wait. If
	// nil, nobody is.
	Changed func(was, is State)
	// Log hears the same. If nil, nobody does.
	Log *slog.Logger
}

// State is what a router does for us at one moment. The zero State is that of a machine
// that asks no router: there is none, or the machine is on the Internet itself.
type State struct {
	Router netip.Addr `json:"router,omitzero"`
	// By is how the router is asked, "NAT-PMP" or "UPnP", or empty if it answers to neither.
	By string `json:"by,omitempty"`
	// Outside is the router's address on the other side.
	Outside netip.Addr `json:"outside,omitzero"`
	// UDP and TCP are the ports there that lead to ours, or 0.
	UDP uint16 `json:"udp,omitempty"`
	TCP uint16 `json:"tcp,omitempty"`
	// Why says why there are none.
	Why string `json:"why,omitempty"`
}

// opener asks a router, in one way of several.
type opener interface {
	name() string
	// look returns the router's address outside, and whether it may have forgotten what
	// it had opened before.
	look(ctx context.Context) (outside netip.Addr, anew bool, err error)
	// open opens a port to ours, or keeps it open, and returns it. It is the wanted one
	// if that is to be had.
	open(ctx context.Context, protocol string, inside, wanted uint16) (uint16, error)
	// shut closes it.
	shut(ctx context.Context, protocol string, inside, outside uint16) error
}

// Mapper keeps ports open. State and Moved may be called at any time.
type Mapper struct {
	cfg   Config
	route func() (router, source netip.Addr, err error)
	find  func(ctx context.Context, router, source netip.Addr) (opener, error)
	state atomic.Pointer[State]
	moved chan struct{}

	// touched by Run alone
	source netip.Addr
	opener opener
	due    time.Time // when what is open has to be renewed
	pause  time.Duration
}

// New makes a mapper that asks nobody before Run.
func New(cfg Config) *Mapper {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	m := &Mapper{cfg: cfg, route: defaultRoute, find: find, moved: make(chan struct{}, 1),
		pause: minPause}
	m.state.Store(&State{})
	return m
}

// State is how things stand.
func (m *Mapper) State() State { return *m.state.Load() }

// Moved says that this machine may be in another network.
func (m *Mapper) Moved() {
	select {
	case m.moved <- struct{}{}:
	default:
	}
}

// Run asks for the ports and keeps them open until ctx ends; then it gives them back, if
// the router answers soon.
func (m *Mapper) Run(ctx context.Context) {
	defer m.end()
	for {
		again := time.NewTimer(m.step(ctx))
		select {
		case <-again.C:
		case <-m.moved:
			m.pause, m.due = minPause, time.Time{}
		case <-ctx.Done():
		}
		again.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// step does what there is to do, and says when to come again if nothing happens.
func (m *Mapper) step(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, stepWait)
	defer cancel()
	router, source, err := m.route()
	if err != nil || !router.Is4() || public(source) || !m.cfg.Listens(source) {
		m.forget()
		m.set(State{})
		return maxPause
	}
	now := m.State()
	if router != now.Router || source != m.source {
		m.forget()
		now = State{Router: router}
	}
	m.source = source
	if m.opener != nil {
		next, err := m.keep(ctx, now)
		if err == nil {
			m.set(next)
			return lookEvery
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return 0 // and end gives back what is open
		}
		m.cfg.Log.Info("router fails", "router", router, "by", m.opener.name(), "err", err)
		m.forget()
	}
	next := State{Router: router, UDP: now.UDP, TCP: now.TCP} // the ports that it may remember
	if m.opener, err = m.find(ctx, router, source); err == nil {
		next.By = m.opener.name()
		if next, err = m.keep(ctx, next); err == nil {
			m.pause = minPause
			m.set(next)
			return lookEvery
		}
		m.forget()
	}
	next.UDP, next.TCP, next.Why = 0, 0, brief(err)
	m.set(next)
	pause := m.pause
	m.pause = min(2*pause, maxPause)
	return pause
}

// errNested is no fault of the router's.
var errNested = errors.New("its own address outside is not a public one, so there is another NAT beyond it")

// keep sees to it that the ports are open at the router's address of now: one of them, if
// the router opens no more.
func (m *Mapper) keep(ctx context.Context, now State) (State, error) {
	outside, anew, err := m.opener.look(ctx)
	if err != nil {
		return now, err
	}
	moved := outside != now.Outside
	now.Outside = outside
	if !public(outside) {
		return now, errNested
	}
	if !moved && !anew && time.Now().Before(m.due) {
		return now, nil
	}
	var noUDP, noTCP error
	now.UDP, noUDP = m.opener.open(ctx, udp, m.cfg.Port, cmp.Or(now.UDP, m.cfg.Port))
	now.TCP, noTCP = m.opener.open(ctx, tcp, m.cfg.Port, cmp.Or(now.TCP, m.cfg.Port))
	if noUDP != nil && noTCP != nil {
		return now, noUDP
	}
	m.due = time.Now().Add(lease / 2)
	return now, nil
}

// What an opener opens ports of.
const (
	udp = "udp"
	tcp = "tcp"
)

// forget begins anew with whatever router there is.
func (m *Mapper) forget() { m.opener, m.due = nil, time.Time{} }

func (m *Mapper) set(is State) {
	was := *m.state.Swap(&is)
	if was == is {
		return
	}
	m.cfg.Log.Info("router", "router", is.Router, "by", is.By, "outside", is.Outside, "udp", is.UDP,
		"tcp", is.TCP, "why", is.Why)
	if m.cfg.Changed != nil {
		m.cfg.Changed(was, is)
	}
}

// end gives back what is open.
func (m *Mapper) end() {
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	now := m.State()
	for protocol, port := range map[string]uint16{udp: now.UDP, tcp: now.TCP} {
		if m.opener != nil && port != 0 {
			if err := m.opener.shut(ctx, protocol, m.cfg.Port, port); err != nil {
				m.cfg.Log.Info("port stays open for a while", "port", port, "protocol", protocol,
					"err", err)
			}
		}
	}
	m.set(State{})
}

// public says whether an address is one on the Internet.
func public(ip netip.Addr) bool {
	addr, err := manet.FromIP(ip.AsSlice())
	return err == nil && ip.Is4() && manet.IsPublicAddr(addr)
}

// maxWhy bounds what is told of an error, which may hold what a router says.
const maxWhy = 200

func brief(err error) string {
	text := err.Error()
	if len(text) > maxWhy {
		text = text[:maxWhy] + "…"
	}
	return text
}
