package mdns

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const service = "_cell-test._udp.local."

func TestDescribe(t *testing.T) {
	ips := []netip.Addr{netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("fe80::1")}
	for _, leaving := range []bool{false, true} {
		want := announcement{"me." + service, []string{"dnsaddr=/ip4/10.99.0.1", "two"}, leaving}
		packet, err := describe(service, want, ips)
		if err != nil {
			t.Fatal(err)
		}
		m, err := parse(packet, strings.ToUpper(service))
		if err != nil || m.asks || len(m.heard) != 1 {
			t.Fatalf("got %+v, %v", m, err)
		}
		got := m.heard[0]
		if got.instance != want.instance || !slices.Equal(got.texts, want.texts) ||
			got.leaving != leaving {
			t.Errorf("got %+v, want %+v", got, want)
		}
		var all dnsmessage.Message
		if err := all.Unpack(packet); err != nil || len(all.Answers) != 1 ||
			len(all.Additionals) != 4 {
			t.Errorf("%v: other libraries need PTR, and SRV, TXT, A, AAAA: %v", err, all.GoString())
		}
	}
}

// What does not fit one packet is left out from the end.
func TestDescribeBounds(t *testing.T) {
	texts := make([]string, 20)
	for i := range texts {
		texts[i] = strings.Repeat("x", 200)
	}
	packet, err := describe(service, announcement{"me." + service, texts, false}, nil)
	if err != nil || len(packet) > maxPacket {
		t.Fatalf("%d bytes, %v", len(packet), err)
	}
	m, err := parse(packet, service)
	if err != nil || len(m.heard) != 1 || len(m.heard[0].texts) != 6 {
		t.Errorf("got %+v, %v", m, err)
	}
	texts[0] = strings.Repeat("x", 256)
	if _, err := describe(service, announcement{"me." + service, texts, false}, nil); err == nil {
		t.Error("a text of 256 bytes was announced")
	}
}

func TestQueryIsUnderstood(t *testing.T) {
	packet, err := query(service)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{service: true, "_p2p._udp.local.": false} {
		if m, err := parse(packet, name); err != nil || m.asks != want || len(m.heard) > 0 {
			t.Errorf("%s: got %+v, %v, want asks %v", name, m, err, want)
		}
	}
}

// Whatever comes in is read without a panic, and makes us hold no more than it carries.
func FuzzParse(f *testing.F) {
	for _, texts := range [][]string{{}, {"dnsaddr=/ip4/10.99.0.1"}, {"", "a", "b"}} {
		packet, err := describe(service, announcement{"me." + service, texts, false}, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	packet, err := query(service)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packet)
	f.Fuzz(func(t *testing.T, packet []byte) {
		m, err := parse(packet, service)
		if err != nil && (m.asks || len(m.heard) > 0) {
			t.Errorf("said %+v beside an error", m)
		}
		held := 0
		for _, a := range m.heard {
			if !isInstance(a.instance, service) {
				t.Errorf("heard of %q", a.instance)
			}
			for _, text := range a.texts {
				held += len(text)
			}
		}
		if held > len(packet) {
			t.Errorf("holds %d bytes of a packet of %d", held, len(packet))
		}
	})
}
