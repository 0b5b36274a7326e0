// Package portmap asks the router to open ports to this machine, over NAT-PMP (RFC 6886) or
// otherwise UPnP, and keeps them open.
//
//	m := portmap.New(portmap.Config{Port: 4433, Listens: func(netip.Addr) bool { return true }})
//	go m.Run(ctx) // gives the ports back when ctx ends
//	m.State()     // {Router: 192.168.1.1, By: "NAT-PMP", Outside: 203.0.113.5, UDP: 4433, …}
//
// It promises to send nothing to anyone but the default gateway, except for the multicast
// by which UPnP asks a network for its routers. Answers are bounded in size and time, and
// the worst that a lie can cause is a wrong State. So check that an address leads here
// before you use it.
//
// It leaves out IPv6, which needs no translation, and PCP: routers that speak it also speak
// NAT-PMP.
package portmap

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// lease is how long a port stays open if nobody renews it, for example after a crash.
	// It is renewed at half of that.
	lease = 2 * time.Minute
	// lookEvery is how often a router that has opened ports is asked whether it still
	// remembers them.
	lookEvery = 15 * time.Second
	// stepWait bounds all requests of one step together, and stopWait those at the end.
	stepWait = 15 * time.Second
	stopWait = time.Second
	// A router that has opened nothing is asked again after minPause, then after twice that,
	// up to maxPause.
	minPause = 20 * time.Second
	maxPause = 10 * time.Minute
)

// Config says what to open.
type Config struct {
	// Port is our UDP and TCP port. The router is asked for the same ones, and may give others.
	Port uint16
	// Listens reports whether we listen on an address of this machine.
	Listens func(netip.Addr) bool
	// Changed is told each change of State. It must not block. If nil, nobody is told.
	Changed func(was, is State)
	// Log is told the same. If nil, nobody is told.
	Log *slog.Logger
}

// State is what a router does for us at one moment. It is zero for a machine that asks no
// router, because there is none or because the machine itself is on the Internet.
type State struct {
	Router netip.Addr `json:"router,omitzero"`
	// By is how the router is asked, "NAT-PMP" or "UPnP", or empty if it answers to neither.
	By string `json:"by,omitempty"`
	// Outside is the router's public address.
	Outside netip.Addr `json:"outside,omitzero"`
	// UDP and TCP are the ports there that lead to ours, or 0.
	UDP uint16 `json:"udp,omitempty"`
	TCP uint16 `json:"tcp,omitempty"`
	// Why says why no port is open.
	Why string `json:"why,omitempty"`
}

// opener asks a router, over one of several protocols.
type opener interface {
	name() string
	// look returns the router's public address, and whether the router may have forgotten
	// the ports that it opened before.
	look(ctx context.Context) (outside netip.Addr, anew bool, err error)
	// open opens a port that leads to ours, or keeps it open, and returns it. It is the
	// wanted one if that is free.
	open(ctx context.Context, protocol string, inside, wanted uint16) (uint16, error)
	// shut closes a port.
	shut(ctx context.Context, protocol string, inside, outside uint16) error
}

// Mapper keeps ports open. State and Moved may be called at any time.
type Mapper struct {
	cfg   Config
	route func() (router, source netip.Addr, err error)
	find  func(ctx context.Context, router, source netip.Addr) (opener, error)
	state atomic.Pointer[State]
	moved chan struct{}
}

// keeping is what Run knows. It lives in Run, so no other goroutine can touch it.
type keeping struct {
	*Mapper
	source netip.Addr // our address on the way to the router
	opener opener     // nil until the router is known to answer
	due    time.Time  // when to renew the open ports
	pause  time.Duration
}

// New returns a Mapper that asks nobody before Run.
func New(cfg Config) *Mapper {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	m := &Mapper{cfg: cfg, route: defaultRoute, find: find, moved: make(chan struct{}, 1)}
	m.state.Store(&State{})
	return m
}

// State returns the present State.
func (m *Mapper) State() State { return *m.state.Load() }

// Moved tells the Mapper that this machine may be in another network.
func (m *Mapper) Moved() {
	select {
	case m.moved <- struct{}{}:
	default:
	}
}

// Run asks for the ports and keeps them open until ctx ends. Then it gives them back, if
// the router answers soon.
func (m *Mapper) Run(ctx context.Context) {
	r := &keeping{Mapper: m, pause: minPause}
	defer r.end()
	for {
		again := time.NewTimer(r.step(ctx))
		select {
		case <-again.C:
		case <-m.moved:
			r.pause, r.due = minPause, time.Time{}
		case <-ctx.Done():
		}
		again.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// step does what is due, and returns when to call it again if nothing happens.
func (r *keeping) step(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, stepWait)
	defer cancel()
	router, source, err := r.route()
	if err != nil || !router.Is4() || maddrs.IsPublic4(source) || !r.cfg.Listens(source) {
		r.forget()
		r.set(State{})
		return maxPause
	}
	now := r.State()
	if router != now.Router || source != r.source {
		r.forget()
		now = State{Router: router}
	}
	r.source = source
	if r.opener != nil {
		next, err := r.keep(ctx, now)
		if err == nil {
			r.set(next)
			return lookEvery
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return 0 // end gives the ports back
		}
		r.cfg.Log.Info("router fails", "router", router, "by", r.opener.name(), "err", err)
		r.forget()
	}
	next := State{Router: router, UDP: now.UDP, TCP: now.TCP} // the ports that it may remember
	if r.opener, err = r.find(ctx, router, source); err == nil {
		next.By = r.opener.name()
		if next, err = r.keep(ctx, next); err == nil {
			r.pause = minPause
			r.set(next)
			return lookEvery
		}
		r.forget()
	}
	next.UDP, next.TCP, next.Why = 0, 0, brief(err)
	r.set(next)
	pause := r.pause
	r.pause = min(2*pause, maxPause)
	return pause
}

// errNested is not the router's fault.
var errNested = errors.New("the router's own address is not public, " +
	"so there is another NAT behind it")

// keep makes sure that the ports are open at the router's present address. One of them is
// enough if the router opens no more.
func (r *keeping) keep(ctx context.Context, now State) (State, error) {
	outside, anew, err := r.opener.look(ctx)
	if err != nil {
		return now, err
	}
	moved := outside != now.Outside
	now.Outside = outside
	if !maddrs.IsPublic4(outside) {
		return now, errNested
	}
	if !moved && !anew && time.Now().Before(r.due) {
		return now, nil
	}
	var noUDP, noTCP error
	now.UDP, noUDP = r.opener.open(ctx, udp, r.cfg.Port, cmp.Or(now.UDP, r.cfg.Port))
	now.TCP, noTCP = r.opener.open(ctx, tcp, r.cfg.Port, cmp.Or(now.TCP, r.cfg.Port))
	if noUDP != nil && noTCP != nil {
		return now, noUDP
	}
	r.due = time.Now().Add(lease / 2)
	return now, nil
}

// The protocols of ports.
const (
	udp = "udp"
	tcp = "tcp"
)

// forget starts over with whatever router there is.
func (r *keeping) forget() { r.opener, r.due = nil, time.Time{} }

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

// end gives the open ports back.
func (r *keeping) end() {
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	now := r.State()
	for protocol, port := range map[string]uint16{udp: now.UDP, tcp: now.TCP} {
		if r.opener != nil && port != 0 {
			if err := r.opener.shut(ctx, protocol, r.cfg.Port, port); err != nil {
				r.cfg.Log.Info("port stays open for a while", "port", port, "protocol", protocol,
					"err", err)
			}
		}
	}
	r.set(State{})
}

// maxWhy bounds the text of an error, which may contain what a router says.
const maxWhy = 200

func brief(err error) string {
	text := err.Error()
	if len(text) > maxWhy {
		text = text[:maxWhy] + "…"
	}
	return text
}
