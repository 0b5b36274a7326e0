//go:build linux

package natlab

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// The public mesh has other servers than ours, and we are nothing but clients in it. Here
// it is made of four of them, and two stems that nobody can call find and call each other
// in it: directly where a hole can be punched, or through a server that relays, with its
// limits.
func TestPublicMesh(t *testing.T) {
	t.Parallel()
	for _, pair := range []struct {
		target Kind
		want   Route
	}{
		{EIM, Direct},
		{Symmetric, Relayed},
	} {
		t.Run(pair.target.String(), func(t *testing.T) {
			t.Parallel()
			lab := newLab(t, Link{Delay: delay},
				Public.Site("server1", "server2", "server3", "server4"),
				EIM.Site("dialer"), pair.target.Site("target"))
			flags := []string{"--mesh", "public", "--no-mdns"}
			for _, addr := range startServers(t, lab, "server1", "server2", "server3", "server4") {
				flags = append(flags, "--bootstrap", addr)
			}
			dialer, target := newStem(t, lab.Host("dialer")), newStem(t, lab.Host("target"))
			target.run("trust", dialer.id, "--cells", "echo")
			target.up(flags...)
			target.published(target.began)
			dialer.up(flags...)
			if mode := dialer.status().Network.DHT.Mode; mode != "client" {
				t.Errorf("the dialer is a %s", mode)
			}
			ctx, cancel := context.WithTimeout(t.Context(), callWait)
			defer cancel()
			start := time.Now()
			c, err := dialer.call(ctx, target)
			check(t, err)
			defer c.Conn.Close()
			first, began := time.Since(start), dialer.transports(target)

			wait := directWait
			if pair.want == Relayed {
				wait = relayedWait
			}
			route := Relayed
			direct := func() bool { return isDirect(dialer.transports(target)) }
			if eventually(t.Context(), wait, direct) {
				route = Direct
			}
			t.Logf("first byte after %v, over %s; in the end %s", first.Round(time.Millisecond),
				began, dialer.transports(target))
			if route != pair.want {
				t.Errorf("the route is %v, want %v", route, pair.want)
			}
		})
	}
}

// startServers runs servers of the public mesh that know each other, and returns their addresses.
func startServers(t *testing.T, lab *Lab, hosts ...string) (addrs []string) {
	t.Helper()
	for _, name := range hosts {
		host := lab.Host(name)
		cmd := host.Command(context.Background(), program(t, "stock"),
			append([]string{host.Addr.String()}, addrs...)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		check(t, err)
		check(t, cmd.Start())
		out.(*os.File).SetReadDeadline(time.Now().Add(readyWait))
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
			if t.Failed() {
				t.Logf("%s: %s", name, &stderr)
			}
		})
		ready := false
		for lines := bufio.NewScanner(out); !ready && lines.Scan(); {
			if line := strings.TrimSpace(lines.Text()); line != "" {
				addrs = append(addrs, line)
			} else {
				ready = true
			}
		}
		if !ready {
			t.Fatalf("%s is not ready", name)
		}
	}
	return addrs
}
