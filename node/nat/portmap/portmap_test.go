package portmap

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	home   = netip.MustParseAddr("192.168.1.1")
	hotel  = netip.MustParseAddr("10.0.0.1")
	deaf   = netip.MustParseAddr("192.168.1.3")
	me     = netip.MustParseAddr("192.168.1.2")
	wan1   = netip.MustParseAddr("45.1.0.1")
	wan2   = netip.MustParseAddr("45.1.0.2")
	shared = netip.MustParseAddr("100.64.0.16")
)

// world is a network with a router in it, in virtual time.
type world struct {
	mu                      sync.Mutex
	router, source, outside netip.Addr
	routes                  error
	silent, anew            bool
	taken                   uint16
	opened                  map[string]uint16
	looks, opens, finds     int
}

// change changes the world while the mapper waits, and looks at it.
func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) route() (netip.Addr, netip.Addr, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.router, w.source, w.routes
}

func (w *world) find(context.Context, netip.Addr, netip.Addr) (opener, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finds++
	if w.silent {
		return nil, errSilent
	}
	return w, nil
}

func (*world) name() string { return "test" }

func (w *world) look(context.Context) (netip.Addr, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	anew := w.anew
	w.anew = false
	if w.silent {
		return netip.Addr{}, false, errSilent
	}
	return w.outside, anew, nil
}

func (w *world) open(_ context.Context, protocol string, _, wanted uint16) (uint16, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opens++
	if wanted == w.taken {
		wanted++
	}
	w.opened[protocol] = wanted
	return wanted, nil
}

func (w *world) shut(_ context.Context, protocol string, _, outside uint16) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opened[protocol] != outside {
		return errors.New("is not open")
	}
	delete(w.opened, protocol)
	return nil
}

// run runs a mapper in a world until the test is over, in virtual time.
func run(t *testing.T, w *world, live func(m *Mapper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w.router, w.source, w.outside, w.opened = home, me, wan1, map[string]uint16{}
		m := New(Config{Port: 4433, Listens: func(ip netip.Addr) bool { return ip != deaf }})
		m.route, m.find = w.route, w.find
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			m.Run(ctx)
		}()
		synctest.Wait()
		live(m)
		cancel()
		<-ended
	})
}

// after lets time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func want(t *testing.T, m *Mapper, is State) {
	t.Helper()
	if got := m.State(); got != is {
		t.Errorf("the state is %+v, want %+v", got, is)
	}
}

// What is open is renewed in time, and given back in the end.
func TestKeeps(t *testing.T) {
	w := &world{}
	run(t, w, func(m *Mapper) {
		want(t, m, State{Router: home, By: "test", Outside: wan1, UDP: 4433, TCP: 4433})
		after(lease/2 - time.Second)
		w.counts(t, 1, 2)
		after(lookEvery)
		w.counts(t, 1, 4)
	})
	if len(w.opened) > 0 {
		t.Errorf("left open: %v", w.opened)
	}
}

func (w *world) counts(t *testing.T, finds, opens int) {
	t.Helper()
	w.change(func() {
		if w.finds != finds || w.opens != opens {
			t.Errorf("routers were looked for %d times, and ports opened %d times, want %d and %d",
				w.finds, w.opens, finds, opens)
		}
	})
}

// A port that somebody else has makes it another one, which is asked for from then on.
func TestTaken(t *testing.T) {
	w := &world{taken: 4433}
	run(t, w, func(m *Mapper) {
		other := State{Router: home, By: "test", Outside: wan1, UDP: 4434, TCP: 4434}
		want(t, m, other)
		w.change(func() { w.taken = 0 })
		after(lease)
		want(t, m, other)
	})
}

// A router that began anew, or has another address, is asked to open the ports again at once.
func TestRouterChanges(t *testing.T) {
	w := &world{}
	run(t, w, func(m *Mapper) {
		w.change(func() { w.anew = true })
		after(lookEvery)
		w.counts(t, 1, 4)
		w.change(func() { w.outside = wan2 })
		after(lookEvery)
		want(t, m, State{Router: home, By: "test", Outside: wan2, UDP: 4433, TCP: 4433})
		w.counts(t, 1, 6)
		w.change(func() { w.silent = true })
		after(lookEvery)
		want(t, m, State{Router: home, Why: errSilent.Error()})
		w.change(func() { w.silent = false })
		after(minPause)
		want(t, m, State{Router: home, By: "test", Outside: wan2, UDP: 4433, TCP: 4433})
	})
}

// In another network the router there is asked.
func TestMoved(t *testing.T) {
	w := &world{}
	run(t, w, func(m *Mapper) {
		w.change(func() { w.router = hotel })
		m.Moved()
		synctest.Wait()
		want(t, m, State{Router: hotel, By: "test", Outside: wan1, UDP: 4433, TCP: 4433})
		w.counts(t, 2, 4)
		w.change(func() { w.router, w.silent = home, true })
		m.Moved()
		synctest.Wait()
		want(t, m, State{Router: home, Why: errSilent.Error()})
		w.change(func() { w.routes = errNoRouter })
		m.Moved()
		synctest.Wait()
		want(t, m, State{})
		w.change(func() { w.routes, w.router, w.silent = nil, home, false })
		m.Moved()
		synctest.Wait()
		want(t, m, State{Router: home, By: "test", Outside: wan1, UDP: 4433, TCP: 4433})
	})
}

// A router that does not answer is asked more and more seldom.
func TestSilent(t *testing.T) {
	w := &world{silent: true}
	run(t, w, func(*Mapper) {
		after(24 * time.Hour)
		w.change(func() {
			if often := int(24 * time.Hour / maxPause); w.finds < often || w.finds > often+10 {
				t.Errorf("a router that is silent was asked %d times in a day", w.finds)
			}
		})
	})
}

// Who is on the Internet, or does not listen where the router would send callers, asks
// nobody, and a router behind another one is of no use.
func TestUseless(t *testing.T) {
	for name, c := range map[string]struct {
		source, outside netip.Addr
		want            State
	}{
		"public": {wan1, wan2, State{}},
		"deaf":   {deaf, wan1, State{}},
		"nested": {me, shared, State{Router: home, By: "test", Outside: shared,
			Why: errNested.Error()}},
		"no wan": {me, netip.IPv4Unspecified(),
			State{Router: home, By: "test", Outside: netip.IPv4Unspecified(),
				Why: errNested.Error()}},
		"no ipv4": {me, netip.MustParseAddr("2a01:1::1"),
			State{Router: home, By: "test", Outside: netip.MustParseAddr("2a01:1::1"),
				Why: errNested.Error()}},
		"nobody": {me, netip.Addr{}, State{Router: home, By: "test", Why: errNested.Error()}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			run(t, w, func(m *Mapper) {
				w.change(func() { w.source, w.outside = c.source, c.outside })
				m.Moved()
				synctest.Wait()
				w.change(func() { w.finds, w.opens = 0, 0 })
				after(time.Hour)
				want(t, m, c.want)
				w.change(func() {
					if w.opens > 0 || !c.want.Router.IsValid() && w.finds > 0 {
						t.Errorf("asked %d times, and opened %d", w.finds, w.opens)
					}
				})
			})
		})
	}
}

// TestNobody sees to it that a mapper that was never run has nothing to say.
func TestNobody(t *testing.T) {
	m := New(Config{Port: 4433})
	m.Moved()
	m.Moved()
	want(t, m, State{})
}
