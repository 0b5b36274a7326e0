package testnet

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

const (
	// directWait bounds the time from a first byte to a direct connection, where there
	// should be one.
	directWait = 8 * time.Second

	// findable is how long after its start a node can be called like any other, and
	// published after how long the mesh keeps its record, so that those find it, too, who
	// ask nobody that it is in touch with.
	//
	// coldFirst is how long a first byte may take of a peer that was never called,
	// coldDirect how long a direct connection to it, and nextFirst how long the first
	// byte of a later call.
	findable   = 6 * rtt
	published  = 500 * time.Millisecond
	coldFirst  = 11 * rtt
	coldDirect = 16 * rtt
	nextFirst  = 4 * rtt

	// hairpinDirect is coldDirect for neighbours whose packets turn round at their
	// carrier's router: they take 450 ms alone, and 650 in some runs beside other tests.
	hairpinDirect = 18 * rtt
)

// Every kind of network that forwards UDP reaches every other one in the way that it does
// over real kernels: these are natlab's routes, and its encounters.
func TestRoutes(t *testing.T) {
	type encounter struct {
		name     string
		from, to Place
		mdns     bool
		want     natlab.Route
	}
	var encounters []encounter
	for _, dialer := range natlab.Kinds {
		for _, target := range natlab.Kinds {
			if dialer != natlab.TCPOnly && target != natlab.TCPOnly {
				encounters = append(encounters, encounter{fmt.Sprintf("%v to %v", dialer, target),
					Place{Kind: dialer}, Place{Kind: target}, false,
					natlab.RouteBetween(dialer, target)})
			}
		}
	}
	for _, n := range natlab.Neighbours {
		home := Place{Kind: n.Kind, LAN: "home"}
		encounters = append(encounters, encounter{fmt.Sprintf("neighbours at %v, mDNS %v", n.Kind,
			n.MDNS), home, home, n.MDNS, n.Want})
	}
	carrier := Place{Kind: natlab.CGN, LAN: "carrier", Hairpin: true}
	encounters = append(encounters, encounter{"neighbours at a hairpin", carrier, carrier, false,
		natlab.Direct})

	outcomes := make([]outcome, len(encounters))
	t.Run("from", func(t *testing.T) { // and return when all have ended
		for i, e := range encounters {
			if i%share > 0 {
				continue
			}
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				o := &outcomes[i]
				direct := coldDirect
				if e.from.Hairpin {
					direct = hairpinDirect
				}
				late := func() bool {
					return o.early > coldFirst || o.first > coldFirst || o.direct > direct ||
						o.next > nextFirst
				}
				for try := 1; try <= maxTries && (o.route != e.want || late()); try++ {
					*o = meet(t, Config{Seed: uint64(try)}, 4,
						NodeConfig{Place: e.from, NoMDNS: !e.mdns}, NodeConfig{Place: e.to,
							NoMDNS: !e.mdns})
					o.name, o.want, o.tries = e.name, e.want, try
				}
				if o.route != e.want {
					t.Errorf("the route is %v, want %v", o.route, e.want)
				}
				if late() {
					t.Errorf("the first byte took %s soon after the start, and later %s, a direct connection %s, the next call %s",
						took(o.early), took(o.first), took(o.direct), took(o.next))
				}
			})
		}
	})
	byPair := map[string]outcome{}
	for _, o := range outcomes {
		byPair[o.name] = o
	}
	t.Log("\n" + table(outcomes) + "\n" + natlab.Grid(func(dialer, target natlab.Kind) string {
		return byPair[fmt.Sprintf("%v to %v", dialer, target)].brief()
	}))
}

// outcome is what was seen of a call between two nodes that have never met.
type outcome struct {
	name string
	// from the call of someone else, just after the start of the target, to the first
	// byte
	early  time.Duration
	first  time.Duration // from the dialer's call to the first byte
	direct time.Duration // from the dialer's call to a direct connection
	next   time.Duration // the first byte of a second call, after that
	route  natlab.Route
	want   natlab.Route
	tries  int
}

// maxTries is how often two nodes may meet anew before a route counts as wrong, or a time
// as too long: who runs first at one moment is left to chance in virtual time, too, and a
// punch may miss.
const maxTries = 3

// Where a mesh has one member on the internet nobody can tell that a router is symmetric.
// It is a little later then that the side behind it calls.
func TestOneView(t *testing.T) {
	o := meet(t, Config{}, 1, NodeConfig{Place: Place{Kind: natlab.Cone}},
		NodeConfig{Place: Place{Kind: natlab.Symmetric}})
	if o.route != natlab.Direct || o.direct > 2*coldDirect {
		t.Errorf("the route is %v, after %s", o.route, took(o.direct))
	}
}

// Two neighbours whom nobody has told of it find out through a relay: what they tell each
// other there is where they are.
func TestNeighboursByRelay(t *testing.T) {
	home := NodeConfig{Place: Place{Kind: natlab.EIM, LAN: "home"}, NoMDNS: true, unpublished: true}
	o := meet(t, Config{}, 4, home, home)
	if o.route != natlab.Direct || o.direct > coldDirect {
		t.Errorf("the route is %v, after %s", o.route, took(o.direct))
	}
}

// meet is the encounter, in a mesh that has some members on the internet.
func meet(t *testing.T, cfg Config, members int, from, to NodeConfig) (o outcome) {
	virtually(t, cfg, func(l lab) {
		t := l.t
		for range members {
			l.join(NodeConfig{})
		}
		seeker := l.join(NodeConfig{Place: Place{Kind: natlab.EIM}})
		began := time.Now()
		to.Name = "target"
		target := l.add(to)
		time.Sleep(findable - time.Since(began))
		o.early = l.answered(seeker, target).FirstByte
		time.Sleep(published - time.Since(began))
		if !to.unpublished && target.Status().DHT.Published.IsZero() {
			t.Errorf("the target has not told the mesh where it is, after %v", time.Since(began))
		}
		dialer := l.join(from)
		began = time.Now()
		c, err := dialer.Dial(l.soon(), "echo@target")
		check(t, err)
		defer c.Close()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		_, err = c.Read(make([]byte, 1))
		check(t, err)
		o.first, o.route = time.Since(began), natlab.Relayed
		if eventually(directWait, func() bool { return isDirect(dialer, target) }) {
			o.direct, o.route = time.Since(began), natlab.Direct
		}
		// The first call goes on, and the next one has the same way or a better one.
		_, err = c.Write([]byte("y"))
		check(t, err)
		_, err = c.Read(make([]byte, 1))
		check(t, err)
		r := l.answered(dialer, target)
		if o.next = r.FirstByte; o.route == natlab.Direct != strings.HasPrefix(r.Route, "direct") {
			t.Errorf("the way is %v, and the next call takes %q", o.route, r.Route)
		}
	})
	return o
}

// isDirect says whether there is a connection that is not relayed.
func isDirect(from, to *Node) bool {
	for _, p := range from.Status().Peers {
		if p.ID == to.ID().String() && p.Relay == "" {
			return true
		}
	}
	return false
}

// table lays the outcomes out as natlab's does, in milliseconds and in round trips.
func table(outcomes []outcome) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "from\tjust started\tfirst byte\tdirect after\tnext call\troute\twanted\ttries")
	for _, o := range outcomes {
		if o.name == "" {
			continue // not run
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%v\t%v\t%d\n", o.name, took(o.early), took(o.first),
			took(o.direct), took(o.next), o.route, o.want, o.tries)
	}
	w.Flush()
	return text.String()
}

// brief is what natlab's grid has of an outcome.
func (o outcome) brief() (text string) {
	switch {
	case o.name == "":
		return "" // not run
	case o.route == natlab.Relayed:
		text = fmt.Sprintf("%d relay", o.first.Milliseconds())
	case o.direct == o.first:
		text = fmt.Sprintf("%d", o.first.Milliseconds())
	default:
		text = fmt.Sprintf("%d → %d", o.first.Milliseconds(), o.direct.Milliseconds())
	}
	if o.tries > 1 {
		text += fmt.Sprintf(" (try %d)", o.tries)
	}
	return text
}

func took(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%d ms (%.1f)", d.Milliseconds(), float64(d)/float64(rtt))
}
