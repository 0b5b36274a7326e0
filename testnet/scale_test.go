package testnet

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// apart is the time between two starts: nodes that all start at one moment call each
// other at one moment, too, and have two connections where one would do.
const apart = 50 * time.Millisecond

// A hundred stems find each other through the first few, and call each other.
func TestJoin(t *testing.T) {
	measured(t)
	virtually(t, Config{}, func(l lab) {
		t := l.t
		for range 100 / share {
			l.add(NodeConfig{})
			time.Sleep(apart)
		}
		soon := l.soon() // all of them
		for _, node := range l.Nodes() {
			check(t, node.Joined(soon))
		}
		// connections that nobody uses end after half of it, so that calls have to search
		time.Sleep(time.Minute)
		seen := l.crowd(100)
		seen.expect(t, 0.99, 0.999)
		if seen.messages > 7*seen.found { // some take a second step
			t.Errorf("%d searches took %d messages: three members to ask for each, and three "+
				"for its record, would do", seen.found, seen.messages)
		}
	})
}

// A thousand stems that know some of the others find the rest.
func TestLookups(t *testing.T) {
	measured(t)
	virtually(t, Config{Lean: true}, func(l lab) {
		l.settle(1000 / share)
		l.crowd(200/share).expect(l.t, 0.99, 0.999)
	})
}

// They do so while a tenth of them is replaced each minute: some fall silent, and others
// join through the first few.
func TestChurn(t *testing.T) {
	measured(t)
	virtually(t, Config{Lean: true}, func(l lab) {
		t := l.t
		const n, minutes = 200 / share, 2
		l.settle(n)
		chance := rand.New(rand.NewPCG(1, 1))
		ctx, stop := context.WithCancel(t.Context())
		var churn sync.WaitGroup
		churn.Go(func() {
			for range minutes * n / 10 {
				select {
				case <-time.After(time.Minute / (n / 10)):
				case <-ctx.Done():
					return
				}
				alive := slices.DeleteFunc(l.Nodes()[maxBootstrap:], func(n *Node) bool {
					return !n.Running()
				})
				alive[chance.IntN(len(alive))].Kill()
				l.add(NodeConfig{})
			}
		})
		var seen tally
		for range minutes * 60 / 5 {
			time.Sleep(5 * time.Second)
			seen.merge(l.crowd(6))
		}
		stop()
		churn.Wait()
		seen.expect(t, 0.99, 0.99)
	})
}

// settle adds nodes that have long been members.
func (l lab) settle(n int) {
	l.t.Helper()
	for range n {
		l.add(NodeConfig{Bootstrap: []*Node{}})
	}
	check(l.t, l.Preset())
}

// tally is what came of many calls.
type tally struct {
	asked, answered int
	first           []time.Duration
	lookups, found  int
	messages, hops  int
	errs            []error
}

func (s *tally) merge(more tally) {
	s.asked, s.answered = s.asked+more.asked, s.answered+more.answered
	s.lookups, s.found = s.lookups+more.lookups, s.found+more.found
	s.messages, s.hops = s.messages+more.messages, s.hops+more.hops
	s.first, s.errs = append(s.first, more.first...), append(s.errs, more.errs...)
}

// crowd has nodes call each other at random, some at a time.
func (l lab) crowd(calls int) (s tally) {
	nodes := slices.DeleteFunc(l.Nodes(), func(n *Node) bool {
		return !n.Running() || n.Status().DHT.Peers == 0
	})
	chance := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	slots := make(chan struct{}, 4)
	results := make(chan Result, calls)
	before := len(l.Lookups())
	for range calls {
		from, to := nodes[chance.IntN(len(nodes))], nodes[chance.IntN(len(nodes))]
		slots <- struct{}{}
		go func() { // results has room for all
			results <- from.Call(l.soon(), "echo@"+to.Name(), "hello")
			<-slots
		}()
	}
	for range calls {
		r := <-results
		if !r.From.Running() || r.To != nil && !r.To.Running() {
			continue // it was replaced meanwhile
		}
		s.asked++
		if r.Err != nil {
			s.errs = append(s.errs, r.Err)
			continue
		}
		s.answered++
		s.first = append(s.first, r.FirstByte)
	}
	for _, look := range l.Lookups()[before:] {
		if to := l.byID(look); !look.From.Running() || !to.Running() {
			continue
		}
		s.lookups++
		if look.Found {
			s.found++
			s.messages, s.hops = s.messages+look.Asked, s.hops+look.Hops
		}
	}
	return s
}

func (l lab) byID(look Lookup) *Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ids[look.To]
}

// expect fails the test if fewer calls were answered, or fewer lookups brought an
// address, than the shares say.
func (s tally) expect(t *testing.T, answered, found float64) {
	t.Helper()
	slices.Sort(s.first)
	part := func(p int) time.Duration { return s.first[min(len(s.first)-1, len(s.first)*p/100)] }
	t.Logf("%d calls, %d answered, first byte after %v (p50), %v (p90), %v (p99); %d lookups, "+
		"%d found, by %.1f messages and %.2f hops",
		s.asked, s.answered, part(50), part(90), part(99), s.lookups, s.found,
		float64(s.messages)/float64(s.found), float64(s.hops)/float64(s.found))
	if float64(s.answered) < answered*float64(s.asked) ||
		float64(s.found) < found*float64(s.lookups) || s.lookups == 0 {
		t.Errorf("want %v of the calls answered and %v of the lookups successful: %v", answered,
			found, s.errs)
	}
}

// measured logs what a test took of the machine: real time, and not that of its bubble.
func measured(t *testing.T) {
	began, used := clock(), cpu()
	t.Cleanup(func() {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		t.Logf("took %.1f s, of CPU %.1f s; %d MB of memory so far", (clock() - began).Seconds(),
			(cpu() - used).Seconds(), memory.Sys>>20)
	})
}

// clock is the system's.
func clock() time.Duration {
	var now syscall.Timeval
	syscall.Gettimeofday(&now)
	return time.Duration(now.Nano())
}

func cpu() time.Duration {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
