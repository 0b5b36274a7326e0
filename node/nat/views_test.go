package nat

import (
	"net/netip"
	"testing"
)

// The NAT follows from how peers see the machine.
func TestKindOf(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("198.51.100.7")}
	for want, seen := range map[string][][]string{
		Unknown: {{}},
		None:    {{"198.51.100.7:4433"}, {"198.51.100.7:4433", "198.51.100.7:4433"}},
		OneView: {{"203.0.113.5:4433"}},
		SamePort: {{"203.0.113.5:4433", "203.0.113.5:4433"},
			{"203.0.113.5:1", "203.0.113.5:2", "203.0.113.5:2"}},
		Symmetric: {{"203.0.113.5:1", "203.0.113.5:2"},
			{"203.0.113.5:1", "203.0.113.5:2", "203.0.113.5:3", "203.0.113.5:4", "203.0.113.5:5"}},
	} {
		for _, texts := range seen {
			var views []netip.AddrPort
			for _, text := range texts {
				views = append(views, netip.MustParseAddrPort(text))
			}
			got := kindOf(views, own)
			if got.Kind != want || len(got.Seen) > maxShown ||
				len(texts) > 0 && len(got.Seen) == 0 {
				t.Errorf("%v is %+v, want %s", texts, got, want)
			}
		}
	}
}
