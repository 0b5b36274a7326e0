package portmap

import (
	"context"
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// A mapper ends soon, whatever the router does: answer, be silent from the beginning, or
// fall silent when ports are open.
func TestEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		silent, falls bool
		most          time.Duration
	}{
		"answers":      {false, false, time.Second},
		"silent":       {true, false, time.Second},
		"falls silent": {false, true, stopWait + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			router := newAddress()
			var silent atomic.Bool
			silent.Store(c.silent)
			asked := make(chan struct{}, 64)
			closed := atomic.Int32{}
			listenUDP(t, router, pmpPort, func(question []byte) [][]byte {
				asked <- struct{}{}
				if silent.Load() {
					return nil
				}
				if len(question) == 2 {
					return [][]byte{answerPMP(question, 1, wan1, 0, 0)}
				}
				seconds := binary.BigEndian.Uint32(question[8:])
				if seconds == 0 {
					closed.Add(1)
				}
				return [][]byte{answerPMP(question, 1, wan1, 5000, seconds)}
			})
			changed := make(chan State, 8)
			m := New(Config{
				Port:    4433,
				Listens: func(netip.Addr) bool { return true },
				Changed: func(_, is State) { changed <- is },
			})
			m.route = func() (netip.Addr, netip.Addr, error) { return router, loopback, nil }
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				m.Run(ctx)
			}()
			<-asked
			if !c.silent {
				if is := <-changed; is.UDP != 5000 || is.TCP != 5000 || is.Outside != wan1 {
					t.Errorf("the state is %+v", is)
				}
			}
			silent.Store(c.silent || c.falls)
			within(t, c.most, func() {
				cancel()
				<-ended
			})
			if n := closed.Load(); !silent.Load() && n != 2 {
				t.Errorf("%d ports were given back", n)
			}
			want(t, m, State{})
		})
	}
}
