package address

import (
	"strings"
	"testing"
)

const (
	id  = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	cid = "bafzaajaiaejcal72gwuz2or47oyxxn6b3rkwdmmkrxgkjxzy3rqt5kczyn7lcm3l"
)

// Every form an address is written in, and the two it is printed in. What is printed
// parses to the same address.
func TestParse(t *testing.T) {
	for _, test := range []struct{ text, plain, url string }{
		{"retina", "retina", "cell://local/retina"},
		{"retina@local", "retina", "cell://local/retina"},
		{"retina@LOCAL", "retina", "cell://local/retina"},
		{"cell://local/retina", "retina", "cell://local/retina"},
		{"local", "local", "cell://local/local"},

		{"retina@" + id, "retina@" + id, "cell://" + id + "/retina"},
		{"retina@" + cid, "retina@" + id, "cell://" + id + "/retina"},
		{"cell://" + cid + "/retina", "retina@" + id, "cell://" + id + "/retina"},

		{"retina@laptop", "retina@laptop", "cell://laptop/retina"},
		{"retina@Laptop", "retina@laptop", "cell://laptop/retina"},
		{"retina@my_old-laptop2", "retina@my_old-laptop2", "cell://my_old-laptop2/retina"},
		{"cell://lap%74op/retina", "retina@laptop", "cell://laptop/retina"},

		{"retina@192.168.1.5", "retina@192.168.1.5", "cell://192.168.1.5/retina"},
		{"retina@192.168.1.5:4433", "retina@192.168.1.5:4433", "cell://192.168.1.5:4433/retina"},
		{"retina@192.168.1.5:04433", "retina@192.168.1.5:4433", "cell://192.168.1.5:4433/retina"},
		{"retina@::1", "retina@[::1]", "cell://[::1]/retina"},
		{"retina@[::1]", "retina@[::1]", "cell://[::1]/retina"},
		{"retina@[2001:DB8:0::1]:4433", "retina@[2001:db8::1]:4433",
			"cell://[2001:db8::1]:4433/retina"},
		{"cell://[::1]:4433/retina", "retina@[::1]:4433", "cell://[::1]:4433/retina"},

		{"retina@host.example.org", "retina@host.example.org", "cell://host.example.org/retina"},
		{"retina@Host.Example.ORG.", "retina@host.example.org", "cell://host.example.org/retina"},
		{"retina@host.example.org:4433", "retina@host.example.org:4433",
			"cell://host.example.org:4433/retina"},
		{"retina@laptop:4433", "retina@laptop:4433", "cell://laptop:4433/retina"},
		{"retina@local:4433", "retina@local:4433", "cell://local:4433/retina"},

		{"retina@/ip4/1.2.3.4/udp/4433/quic-v1/p2p/" + id,
			"retina@/ip4/1.2.3.4/udp/4433/quic-v1/p2p/" + id,
			"cell://%2Fip4%2F1.2.3.4%2Fudp%2F4433%2Fquic-v1%2Fp2p%2F" + id + "/retina"},
		{"cell://%2Fip4%2f1.2.3.4%2Ftcp%2F4433/retina",
			"retina@/ip4/1.2.3.4/tcp/4433",
			"cell://%2Fip4%2F1.2.3.4%2Ftcp%2F4433/retina"},
		{"retina@/dns/a@b?c=d/tcp/1", "retina@/dns/a@b?c=d/tcp/1",
			"cell://%2Fdns%2Fa@b%3Fc=d%2Ftcp%2F1/retina"},

		{"cell://laptop/retina?key=aB3-_.x", "cell://laptop/retina?key=aB3-_.x",
			"cell://laptop/retina?key=aB3-_.x"},
	} {
		a := mustParse(t, test.text)
		if a.String() != test.plain || a.URL() != test.url {
			t.Errorf("Parse(%q) prints\n %s\n %s, want\n %s\n %s", test.text, a, a.URL(),
				test.plain, test.url)
		}
		for _, printed := range []string{a.String(), a.URL()} {
			if again := mustParse(t, printed); again != a {
				t.Errorf("Parse(%q) = %+v, want %+v", printed, again, a)
			}
		}
	}
}

// The reason says what is wrong, in words for somebody who typed it.
func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, test := range []struct{ text, reason string }{
		{"", "cell name \"\" is empty"},
		{"@laptop", "cell name \"\" is empty"},
		{"Retina", "does not begin with"},
		{"retina@", "petname is empty"},
		{"retina@a b", `contains " "`},
		{"retina@laptop@home", `contains "@"`},
		{"retina@-laptop", "does not begin with a letter or a digit"},
		{"retina@" + strings.Repeat("a", 33), "has 33 bytes, the limit is 32"},
		{"retina@laptop?key=x", `contains "?"`},
		{"retina@" + id + "x", "is damaged"},
		{"retina@" + id + ":4433", "is damaged"},
		{"retina@" + id + ".", "is damaged"},
		// as a petname, in lower case, it would look like an ID
		{"retina@" + strings.ToUpper(cid[:30]), "is damaged"},

		{"retina@laptop.", "has no dot"},
		{"retina@192.168.1", "neither an IP address nor a DNS name"},
		{"retina@192.168.1.256", "neither an IP address nor a DNS name"},
		{"retina@192.168.1.5.", "neither an IP address nor a DNS name"},
		{"retina@192.168.1.5:0", "has a bad port"},
		{"retina@192.168.1.5:65536", "has a bad port"},
		{"retina@host.example.org:", "has a bad port"},
		{"retina@host.example.org:+80", "has a bad port"},
		{"retina@host.example.org:https", "has a bad port"},
		{"retina@[::1", "stray bracket"},
		{"retina@::1]", "stray bracket"},
		{"retina@[1.2.3.4]", "stray bracket"},
		{"retina@[::1]:0", "write [v6]:port"},
		{"retina@[host.example.org]:1", "write [v6]:port"},
		{"retina@1::2::3", "write [v6]:port"},
		{"retina@fe80::1%eth0", "has a zone"},
		{"retina@-a.example.org", "neither an IP address nor a DNS name"},
		{"retina@a..example.org", "neither an IP address nor a DNS name"},
		{"retina@a_b.example.org", "neither an IP address nor a DNS name"},
		{"retina@é.example.org", "neither an IP address nor a DNS name"},
		{"retina@" + long + ".org", "neither an IP address nor a DNS name"},
		{"retina@" + strings.Repeat("a.", 130) + "org", "longer than a DNS name may be"},

		{"retina@/", "empty part"},
		{"retina@/ip4//tcp/1", "empty part"},
		{"retina@/ip4/1.2.3.4/", "empty part"},
		{"retina@/ip4/1.2.3.4/tcp/1 2", "a space or an unprintable character"},
		{"retina@/ip4/1.2.3.4/tcp/1\n", "a space or an unprintable character"},
		{"retina@/ip4/1.2.3.4/p2p/" + id[:40], "multiaddr ends in a bad peer"},
		{"retina@/" + strings.Repeat("a", 1024), "has 1025 bytes, the limit is 1024"},

		{"cell://", "petname is empty"},
		{"cell:///retina", "petname is empty"},
		{"cell://laptop", "cell name \"\" is empty"},
		{"cell://laptop/retina/", `contains "/"`},
		{"cell://lap%zz/retina", "invalid URL escape"},
		{"cell://laptop/retina?", "only ?key=… may stand behind the name"},
		{"cell://laptop/retina?key=", "only ?key=… may stand behind the name"},
		{"cell://laptop/retina?kex=1", "only ?key=… may stand behind the name"},
		{"cell://laptop/retina?key=a&b=c", `key contains "&"`},
		{"cell://laptop/retina?key=" + strings.Repeat("k", 2049),
			"key has 2049 bytes, the limit is 2048"},
		{"http://laptop/retina", `contains ":"`},
		{strings.Repeat("a", 3585), "has 3585 bytes, the limit is 3584"},
		// what is short enough as it was written must be so when it is printed, or it
		// cannot be passed on
		{"cell://%2F" + strings.Repeat(`"`, 1000) + "/retina?key=" + strings.Repeat("k", 2000),
			"when it is printed as a URL"},
	} {
		a, err := Parse(test.text)
		refused(t, "Parse", test.text, err, test.reason)
		if a != (Address{}) {
			t.Errorf("Parse(%q) gave an address along with its error: %+v", test.text, a)
		}
	}
}

func mustParse(t *testing.T, text string) Address {
	t.Helper()
	a, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
