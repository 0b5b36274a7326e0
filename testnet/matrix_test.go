package testnet

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/testnet/internet"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// Every kind of network that forwards UDP reaches every other one in the way that it does over real kernels.
func TestRoutes(t *testing.T) {
	for _, r := range natlab.Routes {
		if r.Dialer == natlab.TCPOnly || r.Target == natlab.TCPOnly {
			continue
		}
		t.Run(r.Dialer.String()+" to "+r.Target.String(), func(t *testing.T) {
			began := time.Now()
			synctest.Test(t, func(t *testing.T) {
				e := newEncounter(t, Place{Kind: r.Dialer}, Place{Kind: r.Target}, false)
				e.meet(t)
				t.Logf("%+v", e.outcome)
				if !e.route.Is(r.Want) {
					t.Errorf("the route is %v, want %v", e.route, r.Want)
				}
			})
			t.Logf("%v", time.Since(began))
		})
	}
}

const delay = 10 * time.Millisecond

// encounter is a call between two nodes of a net that nobody has called in before.
type encounter struct {
	net            *Net
	seeker         *Node
	dialer, target *Node
	outcome
}

// outcome is what was seen of one.
type outcome struct {
	findable time.Duration // from the start of the target until someone else has called it
	first    time.Duration // from the dialer's call to the first byte
	direct   time.Duration // from the dialer's call to a direct connection
	route    natlab.Route
}

func newEncounter(t *testing.T, from, to Place, mdns bool) *encounter {
	net, err := New(Config{Seed: 1, Link: internet.Link{Delay: delay}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { net.Close() })
	e := &encounter{net: net}
	for range 4 {
		e.add(t, NodeConfig{})
	}
	e.seeker = e.add(t, NodeConfig{Name: "seeker", Place: Place{Kind: natlab.EIM}})
	e.target = e.add(t, NodeConfig{Name: "target", Place: to, NoMDNS: !mdns})
	began := time.Now()
	for ; ; time.Sleep(10 * time.Millisecond) {
		if r := e.seeker.Call(t.Context(), "echo@target", "x"); r.Err == nil {
			break
		} else if time.Since(began) > 10*time.Second {
			t.Fatalf("nobody can call the target: %v", r.Err)
		}
	}
	e.findable = time.Since(began)
	e.dialer = e.add(t, NodeConfig{Name: "dialer", Place: from, NoMDNS: !mdns})
	return e
}

func (e *encounter) add(t *testing.T, cfg NodeConfig) *Node {
	node, err := e.net.Add(cfg)
	if err == nil && cfg.Name != "target" {
		err = node.Joined(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return node
}

func (e *encounter) meet(t *testing.T) {
	began := time.Now()
	r := e.dialer.Call(t.Context(), "echo@target", "x")
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	e.first, e.route = r.FirstByte, natlab.Relayed
	for time.Since(began) < 8*time.Second {
		if e.isDirect() {
			e.route, e.direct = natlab.Direct, time.Since(began)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// isDirect says whether the dialer has a connection to the target that is not relayed.
func (e *encounter) isDirect() bool {
	for _, p := range e.dialer.Status().Peers {
		if p.ID == e.target.ID().String() && p.Relay == "" {
			return true
		}
	}
	return false
}
