//go:build linux

package natlab

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/testnet/bench"
)

// BenchmarkTransports measures what the two transports do between stems on one machine,
// in one home, and 20 ms apart, in turns: how long a connection takes from the dial on, a
// round trip on it, and 64 MiB each way. It prints medians.
//
//	sudo go test -run '^$' -bench Transports -benchtime 9x ./testnet/natlab
func BenchmarkTransports(b *testing.B) {
	for _, link := range []struct{ name, from, to, listen string }{
		{"loopback", "a", "a", "127.0.0.1"},
		{"veth", "a", "b", "192.168."},
		{"20 ms", "a", "c", "45."},
	} {
		b.Run(link.name, func(b *testing.B) {
			lab := newLab(b, Link{Delay: 5 * time.Millisecond}, EIM.Site("a", "b"),
				Public.Site("c"))
			target := newStem(b, lab.Host(link.to))
			target.up("--no-mdns")
			target.answerBench()
			got := map[string][]time.Duration{}
			for b.Loop() {
				for _, transport := range []string{"quic-v1", "tcp"} {
					measureTransport(b, lab.Host(link.from), target, link.listen, transport, got)
				}
			}
			for what, times := range got {
				slices.Sort(times)
				half := times[len(times)/2]
				if strings.Contains(what, "-MiB/s") {
					b.ReportMetric(rateSize/(1<<20)/half.Seconds(), what)
				} else {
					b.ReportMetric(float64(half.Microseconds()), what)
				}
			}
		})
	}
}

const rateSize = 64 << 20

// measureTransport has a new stem dial the target and adds what that took.
func measureTransport(b *testing.B, host *Host, target *stem, listen, transport string,
	got map[string][]time.Duration) {
	dialer := newStem(b, host)
	target.run("trust", dialer.id, "--cells", "bench")
	dialer.up("--no-mdns")
	defer dialer.down()
	place := ""
	for _, addr := range target.addrs {
		if strings.HasPrefix(addr, "/ip4/"+listen) && strings.Contains(addr, "/"+transport) {
			place = addr
		}
	}
	var dialled float64
	for _, e := range dialer.events(wire.Request{Verb: wire.Ping, Object: place,
		Pairs: wire.Pairs{{"count", "9"}}}) {
		add := func(what string, ms float64) {
			what = strings.TrimSuffix(transport, "-v1") + "-" + what
			got[what] = append(got[what], time.Duration(ms*float64(time.Millisecond)))
		}
		switch e.Kind {
		case trace.Dial:
			dialled = e.MS
		case trace.Connected:
			add("connect-µs", e.MS-dialled)
		case trace.Answer:
			add("ping-µs", e.RTT)
		}
	}
	dial := func() (bench.Conn, error) {
		answer, err := stemclient.Ask(b.Context(), dialer.home,
			wire.Request{Verb: wire.Open, Object: "bench@" + target.id})
		if err != nil {
			return nil, err
		}
		return pipe.Unread(pipe.Unix(answer.Conn), answer.Rest), nil
	}
	there, back, err := bench.Rate(dial, rateSize)
	check(b, err)
	name := strings.TrimSuffix(transport, "-v1")
	got[name+"-there-MiB/s"] = append(got[name+"-there-MiB/s"], there)
	got[name+"-back-MiB/s"] = append(got[name+"-back-MiB/s"], back)
}

// events asks the stem to ping or to find, and returns what it tells.
func (s *stem) events(req wire.Request) (all []trace.Event) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), readyWait)
	defer cancel()
	answer, err := stemclient.Ask(ctx, s.home, req)
	check(s.t, err)
	defer answer.Conn.Close()
	deadline, _ := ctx.Deadline()
	answer.Conn.SetDeadline(deadline)
	for lines := json.NewDecoder(io.MultiReader(bytes.NewReader(answer.Rest), answer.Conn)); ; {
		var e trace.Event
		if err := lines.Decode(&e); err == io.EOF {
			return all
		} else {
			check(s.t, err)
		}
		all = append(all, e)
	}
}

// answerBench runs the cells of the benchmark in the stem's home until the test ends.
func (s *stem) answerBench() {
	cmd := s.command(context.Background(), "bench", "--serve", "cells")
	in, err := cmd.StdinPipe()
	check(s.t, err)
	out, err := cmd.StdoutPipe()
	check(s.t, err)
	cmd.Stderr = os.Stderr
	check(s.t, cmd.Start())
	s.t.Cleanup(func() {
		in.Close() // which ends it
		cmd.Wait()
	})
	said := make([]byte, len(bench.Ready))
	_, err = io.ReadFull(out, said)
	check(s.t, err)
}
