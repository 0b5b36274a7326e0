package testnet

import (
	"context"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/testnet/internet"
)

func TestMain(m *testing.M) {
	if share == 1 { // a seventh of the time would go into tidying up, and 2 GB are there to be used
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(2 << 30)
	}
	goleak.VerifyTestMain(m,
		// libp2p lets those wait for up to 3 s who ask whether they can be reached, and
		// nobody stops it.
		goleak.IgnoreAnyFunction("github.com/libp2p/go-libp2p/p2p/protocol/autonatv2.(*server).serveDialRequest"))
}

// delay is that of a line; a round trip crosses four.
const (
	delay = 10 * time.Millisecond
	rtt   = 4 * delay
)

// lab is a net in a test.
type lab struct {
	t *testing.T
	*Net
}

// virtually runs a test in a net of its own, in virtual time.
func virtually(t *testing.T, cfg Config, test func(l lab)) {
	synctest.Test(t, func(t *testing.T) {
		if cfg.Seed == 0 {
			cfg.Seed = 1
		}
		cfg.Link = internet.Link{Delay: delay}
		net, err := New(cfg)
		check(t, err)
		defer func() { check(t, net.Close()) }()
		test(lab{t, net})
	})
}

// patience bounds one wait of a test: a call, or until a node has joined.
const patience = time.Minute

// soon ends when somebody who waits should have given up.
func (l lab) soon() context.Context {
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	l.t.Cleanup(cancel)
	return ctx
}

// add adds a node.
func (l lab) add(cfg NodeConfig) *Node {
	l.t.Helper()
	node, err := l.Add(cfg)
	check(l.t, err)
	return node
}

// join adds a node and waits until it is a member.
func (l lab) join(cfg NodeConfig) *Node {
	l.t.Helper()
	node := l.add(cfg)
	check(l.t, node.Joined(l.soon()))
	return node
}

// answered fails the test unless the call comes back with what was sent.
func (l lab) answered(from, to *Node) Result {
	l.t.Helper()
	r, answer := from.call(l.soon(), "echo@"+to.Name(), "hello")
	if check(l.t, r.Err); answer != "hello" {
		l.t.Fatalf("%v heard %q", from, answer)
	}
	return r
}

// eventually waits until something is so, and says whether it came to that in time.
func eventually(limit time.Duration, so func() bool) bool {
	for began := time.Now(); !so(); time.Sleep(delay) {
		if time.Since(began) > limit {
			return false
		}
	}
	return true
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
