package node

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node/transport"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// fakeDNS is what the DNS says: IP addresses under a host's name, texts under
// _dnsaddr.NAME. It counts the questions.
type fakeDNS struct {
	records map[string][]string
	asked   atomic.Int64
}

func (d *fakeDNS) lookup(name string) ([]string, error) {
	d.asked.Add(1)
	answers, ok := d.records[strings.TrimSuffix(name, ".")]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: name, Server: "192.0.2.53:53",
			IsNotFound: true}
	}
	return answers, nil
}

func (d *fakeDNS) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	answers, err := d.lookup(host)
	var ips []net.IPAddr
	for _, a := range answers {
		ips = append(ips, net.IPAddr{IP: net.ParseIP(a)})
	}
	return ips, err
}

func (d *fakeDNS) LookupTXT(_ context.Context, name string) ([]string, error) {
	return d.lookup(name)
}

// TestNames reaches a node by all that the DNS may say of it.
func TestNames(t *testing.T) {
	const v4, v6 = "127.0.0.1", "::1"
	listen := []netip.Addr{loopback}
	if slices.Contains(transport.AllIPs(), netip.IPv6Unspecified()) {
		listen = append(listen, netip.MustParseAddr(v6))
	}
	b, other := startNode(t, Config{Listen: listen}), startNode(t, Config{})
	accept(t, b)
	port := portOf(b)
	quic, tcp := placesOf(t, b)["quic"].String(), placesOf(t, b)["tcp"].String()
	b4 := func(more string) string {
		return fmt.Sprintf("/dns4/b.example.org/tcp/%d%s", port, more)
	}
	dns := &fakeDNS{records: map[string][]string{
		"b.example.org":               {v4},
		"b6.example.org":              {v6},
		"both.example.org":            {v6, v4},
		"_dnsaddr.quic.example.org":   {"not for us", "dnsaddr=" + quic},
		"_dnsaddr.tcp.example.org":    {"dnsaddr=" + tcp + "/p2p/" + b.ID().String()},
		"_dnsaddr.far.example.org":    {"dnsaddr=/dnsaddr/nearer.example.org"},
		"_dnsaddr.nearer.example.org": {"dnsaddr=" + b4("")},
		"_dnsaddr.many.example.org": {
			// has moved away
			"dnsaddr=" + placesOf(t, other)["tcp"].String() + "/p2p/" +
				testIdentity(t).ID().String(),
			"dnsaddr=" + b4("/p2p/"+b.ID().String()),
		},
	}}
	for name, text := range map[string]string{
		"A":                 fmt.Sprintf("b.example.org:%d", port),
		"AAAA":              fmt.Sprintf("b6.example.org:%d", port),
		"A and AAAA":        fmt.Sprintf("both.example.org:%d", port),
		"dns4":              b4(""),
		"dns4 of a peer":    b4("/p2p/" + b.ID().String()),
		"dns":               fmt.Sprintf("/dns/both.example.org/udp/%d/quic-v1", port),
		"dnsaddr":           "/dnsaddr/quic.example.org",
		"published, QUIC":   "quic.example.org",
		"published, TCP":    "tcp.example.org",
		"published, far":    "far.example.org",
		"published, many":   "many.example.org",
		"dnsaddr of a peer": "/dnsaddr/many.example.org/p2p/" + b.ID().String(),
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(text, "b6") && len(listen) == 1 {
				t.Skip("this machine has no IPv6")
			}
			a := startNode(t, Config{Resolver: dns, Listen: listen})
			place := mustPlace(t, text)
			mustWhois(t, a, place, b.ID())
			s, err := a.Open(nettest.Context(t), b.ID(), place)
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
		})
	}
}

// TestResolve is what names mean: without a port the one where a node is expected, and
// what was published; with a port that alone; with a peer only what is said to be the
// peer's.
func TestResolve(t *testing.T) {
	id, other := testIdentity(t).ID().String(), testIdentity(t).ID().String()
	n := startNode(t, Config{Resolver: &fakeDNS{records: map[string][]string{
		"example.org":          {"192.0.2.7", "2001:db8::7"},
		"_dnsaddr.example.org": {"dnsaddr=/ip4/192.0.2.8/tcp/22"},
		"_dnsaddr.crowd.example.org": {"dnsaddr=/ip4/192.0.2.8/tcp/22/p2p/" + other,
			"dnsaddr=/ip4/192.0.2.9/tcp/22/p2p/" + id},
	}}})
	for text, want := range map[string]string{
		"example.org": "/ip4/192.0.2.8/tcp/22 /ip4/192.0.2.7/udp/4433/quic-v1 /ip4/192.0.2.7/tcp/4433 " +
			"/ip6/2001:db8::7/udp/4433/quic-v1 /ip6/2001:db8::7/tcp/4433",
		"example.org:44": "/ip4/192.0.2.7/udp/44/quic-v1 /ip4/192.0.2.7/tcp/44 " +
			"/ip6/2001:db8::7/udp/44/quic-v1 /ip6/2001:db8::7/tcp/44",
		"crowd.example.org":                    "/ip4/192.0.2.8/tcp/22 /ip4/192.0.2.9/tcp/22",
		"/dnsaddr/crowd.example.org/p2p/" + id: "/ip4/192.0.2.9/tcp/22",
	} {
		if got, err := resolved(t, n, text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func resolved(t *testing.T, n *Node, text string) (string, error) {
	t.Helper()
	s, err := newTarget(mustPlace(t, text))
	if err != nil {
		t.Fatal(err)
	}
	targets, err := n.resolve(nettest.Context(t), s)
	var addrs []string
	for _, target := range targets {
		addrs = append(addrs, target.addr.String())
	}
	return strings.Join(addrs, " "), err
}

// TestNamesOfNothing lead nowhere, and say so in a line.
func TestNamesOfNothing(t *testing.T) {
	id := testIdentity(t).ID()
	dns := &fakeDNS{records: map[string][]string{
		"empty.example.org":         {},
		"_dnsaddr.junk.example.org": {"v=spf1 -all", "dnsaddr=what"},
		"_dnsaddr.loop.example.org": {"dnsaddr=/dnsaddr/loop.example.org",
			"dnsaddr=/dnsaddr/loop.example.org"},
		"_dnsaddr.other.example.org": {"dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/" +
			testIdentity(t).ID().String()},
	}}
	n := startNode(t, Config{Resolver: dns})
	open := func(t *testing.T, place address.Place, want string) {
		t.Helper()
		_, err := n.Open(nettest.Context(t), id, place)
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), place.String()) || strings.Contains(err.Error(), "\n") {
			t.Errorf("open: %v", err)
		}
	}
	for text, want := range map[string]string{
		"nobody.example.org":              "has no address in the DNS: no such host",
		"nobody.example.org:22":           "has no address in the DNS: no such host",
		"/dns4/nobody.example.org/tcp/22": "has no address in the DNS: no such host",
		"/dnsaddr/nobody.example.org":     "has no address in the DNS: no such host",
		"empty.example.org:22":            "has no address in the DNS",
		"/dnsaddr/junk.example.org":       "has no address in the DNS",
		"/dnsaddr/loop.example.org":       "names lead to too many other names",
	} {
		place := mustPlace(t, text)
		mustFail(t, n, place, want)
		open(t, place, want)
	}
	open(t, mustPlace(t, "/dnsaddr/other.example.org"), "only has addresses of other peers")
	if asked := dns.asked.Load(); asked > 100 {
		t.Errorf("asked %d questions", asked)
	}
}

// deafDNS never answers.
type deafDNS struct{}

func (deafDNS) LookupIPAddr(ctx context.Context, _ string) ([]net.IPAddr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (deafDNS) LookupTXT(ctx context.Context, _ string) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestDeafDNS is no obstacle if the peer is elsewhere too.
func TestDeafDNS(t *testing.T) {
	t.Parallel()
	a, b := startNode(t, Config{Resolver: deafDNS{}}), startNode(t, Config{})
	accept(t, b)
	began := time.Now()
	s, err := a.Open(nettest.Context(t), b.ID(), mustPlace(t, "example.org"),
		placesOf(t, b)["both"])
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if took := time.Since(began); took > lookupWait/2 {
		t.Errorf("open took %v", took)
	}
	mustFail(t, a, mustPlace(t, "example.org"), "the DNS does not answer")
}

// halfDeafDNS never answers what few ask.
type halfDeafDNS struct{ *fakeDNS }

func (halfDeafDNS) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return deafDNS{}.LookupTXT(ctx, name)
}

func TestHalfDeafDNS(t *testing.T) {
	t.Parallel()
	records := map[string][]string{"example.org": {"192.0.2.7"}}
	n := startNode(t, Config{Resolver: halfDeafDNS{&fakeDNS{records: records}}})
	began := time.Now()
	got, err := resolved(t, n, "example.org")
	if err != nil || got != "/ip4/192.0.2.7/udp/4433/quic-v1 /ip4/192.0.2.7/tcp/4433" {
		t.Errorf("got %v, %v", got, err)
	}
	if took := time.Since(began); took > lookupWait/2 {
		t.Errorf("took %v", took)
	}
}
