package testnet

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// A call takes as many round trips as it should, and says so.
func TestCall(t *testing.T) {
	virtually(t, Config{}, func(l lab) {
		t := l.t
		a, b := l.join(NodeConfig{}), l.join(NodeConfig{})
		r := l.answered(a, b)
		if r.From != a || r.To != b || r.Address != "echo@node2" || r.Route != "direct quic" ||
			r.Bytes != len("hello") {
			t.Errorf("%+v", r)
		}
		// There is a connection. If nothing was heard of it lately, it proves itself;
		// then comes the verdict, then the answer.
		if r.Reached != 0 && r.Reached != rtt || r.Granted != r.Reached+rtt ||
			r.FirstByte != r.Granted+rtt || r.Took != r.FirstByte {
			t.Errorf("reached after %v, granted after %v, first byte after %v, took %v", r.Reached,
				r.Granted, r.FirstByte, r.Took)
		}
		if r := a.Call(l.soon(), "echo@"+b.ID().String(), ""); r.Err != nil || r.To != b ||
			r.FirstByte != 0 || r.Granted != rtt {
			t.Errorf("%+v", r)
		}
		if r := a.Call(l.soon(), "echo", "to myself"); r.Err != nil || r.Route != "" ||
			r.Took != 0 {
			t.Errorf("%+v", r)
		}
		if r := a.Call(l.soon(), "nobody@node2", "x"); !errors.Is(r.Err, wire.Denied) {
			t.Errorf("%v", r.Err)
		}
		if r := a.Call(l.soon(), "echo@nowhere.example.org", "x"); !errors.Is(r.Err,
			wire.Unreachable) || r.To != nil {
			t.Errorf("%v", r.Err)
		}
		if s := l.Stats(); s.Packets == 0 || s.Bytes < s.Packets || s.Lost != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// The answer comes back with what it was cut by, if it was.
func TestCells(t *testing.T) {
	virtually(t, Config{}, func(l lab) {
		t := l.t
		a := l.join(NodeConfig{})
		drip := func(_ context.Context, call io.ReadWriter) error {
			for range 3 {
				io.WriteString(call, ".")
				time.Sleep(time.Second)
			}
			return nil
		}
		l.join(NodeConfig{Cells: map[string]Cell{"slow": Slow(20 * time.Second), "crash": Crash,
			"silent": Silent, "drip": drip}})
		if r := a.Call(l.soon(), "drip@node2", ""); r.Err != nil || r.Bytes != 3 ||
			r.Took-r.FirstByte != 3*time.Second {
			t.Errorf("drip: %+v", r)
		}
		r, answer := a.call(l.soon(), "slow@node2", "hello")
		if r.Err != nil || answer != "hello" || r.Took < 20*time.Second || r.Granted > time.Second {
			t.Errorf("slow: %q, %+v", answer, r)
		}
		if r := a.Call(l.soon(), "crash@node2", "x"); r.Err == nil {
			t.Errorf("crash: %+v", r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if r := a.Call(ctx, "silent@node2", "x"); !errors.Is(r.Err, context.DeadlineExceeded) ||
			r.Took != 20*time.Second {
			t.Errorf("silent: %+v", r)
		}
		if _, err := l.Add(NodeConfig{Cells: map[string]Cell{"No Name": Echo}}); err == nil {
			t.Error("a cell may have any name")
		}
	})
}

// Only those who are trusted are let in, if there are such.
func TestTrust(t *testing.T) {
	virtually(t, Config{}, func(l lab) {
		friend, stranger := l.join(NodeConfig{}), l.join(NodeConfig{})
		careful := l.join(NodeConfig{Trust: []*Node{friend}})
		l.answered(friend, careful)
		if r := stranger.Call(l.soon(), "echo@node3", "x"); !errors.Is(r.Err, wire.Denied) {
			l.t.Errorf("%v", r.Err)
		}
	})
}

// A node that was stopped refuses to call and can't be called, and is back as who it was.
func TestRestart(t *testing.T) {
	for name, end := range map[string]func(*Node) error{"stop": (*Node).Stop,
		"kill": (*Node).Kill} {
		t.Run(name, func(t *testing.T) {
			virtually(t, Config{}, func(l lab) {
				t := l.t
				a, b := l.join(NodeConfig{}), l.join(NodeConfig{})
				l.answered(a, b)
				c, err := a.Dial(l.soon(), "echo@node2")
				check(t, err)
				defer c.Close()
				began := time.Now()
				check(t, end(b))
				if b.Running() || b.Addrs() != nil || b.Status().ID != "" {
					t.Error("it runs")
				}
				if _, err := io.ReadAll(c); err == nil || time.Since(began) > 10*time.Second {
					t.Errorf("a call that was cut ended with %v after %v", err, time.Since(began))
				}
				if r := a.Call(l.soon(), "echo@node2", "x"); !errors.Is(r.Err, wire.Unreachable) {
					t.Errorf("%v", r.Err)
				}
				if r := b.Call(l.soon(), "echo@node1", "x"); !errors.Is(r.Err, errStopped) {
					t.Errorf("%v", r.Err)
				}
				if err := b.Joined(l.soon()); !errors.Is(err, errStopped) {
					t.Errorf("%v", err)
				}
				check(t, end(b))
				check(t, b.Restart())
				check(t, b.Joined(l.soon()))
				l.answered(a, b)
				l.answered(b, a)
			})
		})
	}
}

// Who is stopped says so, and who is killed falls silent.
func TestKillIsSilent(t *testing.T) {
	virtually(t, Config{}, func(l lab) {
		a, b, c := l.join(NodeConfig{}), l.join(NodeConfig{}), l.join(NodeConfig{})
		knows := func(who *Node) bool {
			return slices.ContainsFunc(a.Status().Peers, func(p node.PeerStatus) bool {
				return p.ID == who.ID().String()
			})
		}
		check(l.t, b.Stop())
		check(l.t, c.Kill())
		time.Sleep(rtt)
		if knows(b) || !knows(c) {
			l.t.Errorf("connected to the one that was stopped: %v; to the one that was killed: %v",
				knows(b), knows(c))
		}
	})
}

// What is cut comes together again; over a third node there is still a way.
func TestPartition(t *testing.T) {
	virtually(t, Config{}, func(l lab) {
		t := l.t
		a, b, c := l.join(NodeConfig{}), l.join(NodeConfig{}), l.join(NodeConfig{})
		reaches := func(from, to *Node) bool {
			return from.Call(l.soon(), "echo@"+to.Name(), "x").Err == nil
		}
		l.answered(a, c)
		l.Partition([]*Node{a, b}, []*Node{c})
		if !reaches(a, b) || reaches(a, c) || reaches(c, b) {
			t.Error("it is not parted as it should be")
		}
		l.Heal()
		for _, pair := range [][2]*Node{{a, b}, {a, c}, {b, c}} {
			if !eventually(2*time.Minute, func() bool { return reaches(pair[0], pair[1]) }) {
				t.Errorf("%v does not reach %v any more", pair[0], pair[1])
			}
		}
		l.Cut(a, b)
		if reaches(a, b) || !reaches(a, c) || !reaches(b, c) {
			t.Error("it is not cut as it should be")
		}
	})
}

// Who begins with a node that comes late, or goes and comes back, is a member again as
// soon as it is there: the node has forgotten everything, and finds only those who come
// to it.
func TestBootstrapReturns(t *testing.T) {
	virtually(t, Config{}, func(l lab) {
		t := l.t
		first := l.join(NodeConfig{})
		check(t, first.Kill())
		l.add(NodeConfig{Name: "late"})
		for _, away := range []time.Duration{time.Minute, time.Hour} {
			time.Sleep(away)
			check(t, first.Restart())
			if !eventually(2*time.Minute, func() bool {
				return first.Call(l.soon(), "echo@late",
					"x").Err == nil
			}) {
				t.Errorf("after %v without its bootstrap, a node is not found any more", away)
			}
			time.Sleep(time.Minute)
			check(t, first.Kill())
		}
	})
}

// After a router's address has changed, those behind it are reached again.
func TestRenumber(t *testing.T) {
	virtually(t, Config{}, func(l lab) {
		t := l.t
		for range 3 {
			l.join(NodeConfig{})
		}
		a := l.join(NodeConfig{Name: "laptop", Place: Place{Kind: natlab.EIM, LAN: "home"}})
		b := l.join(NodeConfig{Name: "server", Place: Place{Kind: natlab.Symmetric}})
		l.answered(a, b)
		for _, lan := range []string{"home", "server"} {
			check(t, l.Renumber(lan))
			if !eventually(2*time.Minute, func() bool {
				return a.Call(l.soon(), "echo@server",
					"x").Err == nil
			}) {
				t.Errorf("%s was renumbered, and the server is not reached any more", lan)
			}
		}
		for _, lan := range []string{"node1", "nobody"} {
			if l.Renumber(lan) == nil {
				t.Errorf("%s was renumbered", lan)
			}
		}
	})
}

// The same seed makes the same peers at the same places, and another one others.
func TestSeed(t *testing.T) {
	who := func(seed uint64) (list []string) {
		virtually(t, Config{Seed: seed}, func(l lab) {
			for _, kind := range []natlab.Kind{natlab.Public, natlab.EIM, natlab.CGN, natlab.V6} {
				list = append(list, l.add(NodeConfig{Place: Place{Kind: kind}}).multiaddrs()...)
			}
		})
		return list
	}
	first := who(7)
	if second := who(7); !slices.Equal(first, second) || len(first) != 6 {
		t.Errorf("%v, and then %v", first, second)
	}
	if other := who(8); strings.Contains(other[0], first[0][strings.LastIndex(first[0], "/"):]) {
		t.Errorf("two seeds make one peer: %v", other[0])
	}
}

// What can't be is refused, and leaves nothing behind.
func TestRefused(t *testing.T) {
	if _, err := New(Config{Mesh: "public"}); err == nil {
		t.Error("a simulation in the public mesh")
	}
	virtually(t, Config{}, func(l lab) {
		l.add(NodeConfig{Name: "twin", Place: Place{Kind: natlab.EIM, LAN: "home"}})
		for why, cfg := range map[string]NodeConfig{
			"two of a name":         {Name: "twin"},
			"two kinds of a LAN":    {Place: Place{Kind: natlab.CGN, LAN: "home"}},
			"two hairpins of a LAN": {Place: Place{Kind: natlab.EIM, LAN: "home", Hairpin: true}},
			"a LAN of public ones":  {Place: Place{LAN: "street"}},
			"a kind of no network":  {Place: Place{Kind: 99}},
		} {
			if _, err := l.Add(cfg); err == nil || len(l.Nodes()) != 1 {
				l.t.Errorf("%s: %v, %d nodes", why, err, len(l.Nodes()))
			}
		}
		check(l.t, l.Close())
		if _, err := l.Add(NodeConfig{}); !errors.Is(err, errClosed) {
			l.t.Errorf("added to a closed net: %v", err)
		}
	})
}
