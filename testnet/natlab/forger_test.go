//go:build linux

package natlab

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
)

// What the process of startForger is told: through whom to join the mesh, whose record to
// publish, with whose key to sign it (its own if none is named), and how old it is to be.
const (
	forgerJoins = "NATLAB_FORGER_JOINS"
	forgerOf    = "NATLAB_FORGER_OF"
	forgerKey   = "NATLAB_FORGER_KEY"
	forgerAge   = "NATLAB_FORGER_AGE"
)

// startForger runs a member of the mesh that says of a peer that it is where the forger
// is, to all who keep records and to whoever asks, and returns when it has. It ends with
// the test.
func startForger(t *testing.T, on *Host, through *stem, settings ...string) {
	t.Helper()
	cmd := on.Command(context.Background(), os.Args[0], "-test.run=^TestHelperForger$", "-test.v")
	cmd.Env = append(os.Environ(), append(settings,
		forgerJoins+"="+strings.Join(through.bootstrap(), " "))...)
	says, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	stop := time.AfterFunc(readyWait, func() { cmd.Process.Kill() })
	defer stop.Stop()
	var said strings.Builder
	for lines := bufio.NewScanner(says); lines.Scan(); fmt.Fprintln(&said, lines.Text()) {
		if lines.Text() == "published" {
			return
		}
	}
	t.Fatalf("the forger has not published:\n%s", &said)
}

// TestHelperForger is that process.
func TestHelperForger(t *testing.T) {
	if os.Getenv(forgerJoins) == "" {
		t.Skip("is run by other tests")
	}
	boot := bootOverTCP(t, os.Getenv(forgerJoins))
	host, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/0.0.0.0/tcp/4433"),
		libp2p.DisableMetrics(), libp2p.DisableRelay())
	check(t, err)
	member, err := dht.New(host, dht.ProtocolPrefix("/cell/lab"), dht.Mode(dht.ModeServer),
		dht.BootstrapPeers(boot), dht.DisableProviders(),
		dht.Validator(anything{}))
	check(t, err)
	check(t, host.Connect(t.Context(), boot))
	member.RoutingTable().TryAddPeer(boot.ID, true, false)
	check(t, <-member.ForceRefresh())

	of, err := peer.Decode(os.Getenv(forgerOf))
	check(t, err)
	key := host.Peerstore().PrivKey(host.ID())
	if file := os.Getenv(forgerKey); file != "" {
		text, err := os.ReadFile(file)
		check(t, err)
		data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
		check(t, err)
		key, err = crypto.UnmarshalPrivateKey(data)
		check(t, err)
	}
	age, err := time.ParseDuration(os.Getenv(forgerAge))
	check(t, err)
	says := &claimed{peer.PeerRecord{PeerID: of, Addrs: host.Addrs(),
		Seq: uint64(time.Now().Add(-age).UnixNano())}}
	sealed, err := record.Seal(says, key)
	check(t, err)
	value, err := sealed.Marshal()
	check(t, err)
	check(t, member.PutValue(t.Context(), string(of), value))
	fmt.Println("published")
	select {} // whoever started it kills it
}

// claimed is what members of a private mesh publish of themselves.
type claimed struct{ peer.PeerRecord }

func (*claimed) Domain() string { return "cell-peer-record" }

// anything is a validator to whom everything is true.
type anything struct{}

func (anything) Validate(string, []byte) error        { return nil }
func (anything) Select(string, [][]byte) (int, error) { return 0, nil }

// bootOverTCP is the peer of the flags --bootstrap, at its IPv4 address.
func bootOverTCP(t *testing.T, flags string) peer.AddrInfo {
	for flag := range strings.FieldsSeq(flags) {
		if addr, err := ma.NewMultiaddr(flag); err == nil && strings.Contains(flag, "/ip4/") &&
			strings.Contains(flag, "/tcp/") {
			info, err := peer.AddrInfoFromP2pAddr(addr)
			check(t, err)
			return *info
		}
	}
	t.Fatalf("%s: has no TCP address", flags)
	return peer.AddrInfo{}
}

// A record that the peer has not signed, or has signed a day ago and more, counts for
// nothing, whoever hands it out: a peer that is not there stays unknown, and nobody is
// sent where the record says. One that has made its own is reached.
func TestForgedRecord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		own      bool // the key
		age      time.Duration
		believed bool
	}{
		{"somebody else's", false, 0, false},
		{"ancient", true, 25 * time.Hour, false},
		{"good", true, time.Hour, true}, // or else the others prove nothing
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2"}, Public.Site("forger"),
				EIM.Site("caller"), EIM.Site("target"))
			target := newStem(t, lab.Host("target"))
			settings := []string{forgerOf + "=" + target.id, forgerAge + "=" + c.age.String()}
			if c.own {
				settings = append(settings, forgerKey+"="+target.home.IdentityKey())
			}
			startForger(t, lab.Host("forger"), members[0], settings...)
			caller := settle(t, lab, "caller", members, "--no-mdns")
			caller.joined()
			why := caller.mustFail(target, 8*time.Second)
			if believed := strings.Contains(why,
				lab.Host("forger").Addr.String()); believed != c.believed {
				t.Errorf("the record is believed: %v, want %v", believed, c.believed)
			}
			target.trusts(caller)
			target.up(append(members[0].bootstrap(), "--no-mdns")...)
			caller.getsThrough(target, busy(5*time.Second))
		})
	}
}
