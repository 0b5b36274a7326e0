package discovery

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
)

// maker signs records.
type maker struct {
	id  peer.ID
	key crypto.PrivKey
}

func newMaker(t testing.TB) maker {
	t.Helper()
	key, public, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return maker{id, key}
}

// seal signs a record, even an invalid one.
func (m maker) seal(t testing.TB, rec record.Record) []byte {
	t.Helper()
	sealed, err := record.Seal(rec, m.key)
	if err != nil {
		t.Fatal(err)
	}
	value, err := sealed.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// record returns a valid record of that age.
func (m maker) record(age time.Duration, addrs ...ma.Multiaddr) *publishedRecord {
	return &publishedRecord{peer.PeerRecord{PeerID: m.id, Addrs: addrs,
		Seq: uint64(time.Now().Add(-age).UnixNano())}}
}

func someAddrs(n int) (addrs []ma.Multiaddr) {
	for i := range n {
		addrs = append(addrs, ma.StringCast(fmt.Sprintf("/ip4/192.0.2.1/udp/%d/quic-v1", i+1)))
	}
	return addrs
}

func TestRecord(t *testing.T) {
	alice, mallory := newMaker(t), newMaker(t)
	key, one := recordKey(alice.id), someAddrs(1)
	altered := alice.seal(t, alice.record(0, one...))
	altered[len(altered)-70]++ // in the addresses, before the signature
	long := ma.StringCast("/dns4/" + strings.Repeat("a.", 1000) + "example/tcp/1")
	for _, c := range []struct {
		name, key string
		value     []byte
		err       string // "" if it is valid
	}{
		{"genuine", key, alice.seal(t, alice.record(0, one...)), ""},
		{"full", key, alice.seal(t, alice.record(0, someAddrs(maxRecordAddrs)...)), ""},
		{"almost too old", key, alice.seal(t, alice.record(maxRecordAge-time.Minute, one...)), ""},
		{"from a clock ahead", key, alice.seal(t, alice.record(-maxClockSkew/2, one...)), ""},

		{"forged: signed by another", key, mallory.seal(t, alice.record(0, one...)),
			"another peer"},
		{"forged: altered", key, altered, "signature"},
		{"of another peer", key, mallory.seal(t, mallory.record(0, one...)), "another peer"},
		{"signed for another peer", key, alice.seal(t, mallory.record(0, one...)),
			"another peer"},
		{"not made to be published", key, alice.seal(t, &alice.record(0, one...).PeerRecord),
			"signature"},
		{"oversized", key, alice.seal(t, alice.record(0, long)), "bytes are more than"},
		{"too many addresses", key, alice.seal(t, alice.record(0, someAddrs(maxRecordAddrs+1)...)),
			"17 addresses"},
		{"empty", key, alice.seal(t, alice.record(0)), "0 addresses"},
		{"ancient", key, alice.seal(t, alice.record(maxRecordAge+time.Minute, one...)), "ago"},
		{"from the future", key, alice.seal(t, alice.record(-maxClockSkew-time.Minute, one...)),
			"from now"},
		{"from the end of time", key, alice.seal(t,
			&publishedRecord{peer.PeerRecord{PeerID: alice.id, Addrs: one, Seq: 1<<64 - 1}}),
			"from now"},
		{"nothing", key, nil, "record of"},
		{"noise", key, []byte("\x00\xff\x00\xff"), "record of"},

		{"key of no peer", "/cell/alice", alice.seal(t, alice.record(0, one...)),
			"is not a peer ID"},
		{"key with more bytes", key + "x", alice.seal(t, alice.record(0, one...)),
			"is not a peer ID"},
	} {
		err := validator{}.Validate(c.key, c.value)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestNewestRecordCounts(t *testing.T) {
	alice, mallory := newMaker(t), newMaker(t)
	older := alice.seal(t, alice.record(time.Hour, someAddrs(1)...))
	newer := alice.seal(t, alice.record(time.Minute, someAddrs(1)...))
	forged := mallory.seal(t, alice.record(0, someAddrs(1)...))
	for _, c := range []struct {
		values [][]byte
		want   int
	}{
		{[][]byte{older, newer}, 1},
		{[][]byte{newer, older}, 0},
		{[][]byte{older, forged, newer, nil}, 2},
		{[][]byte{older, older}, 0},
	} {
		if got, err := (validator{}).Select(recordKey(alice.id), c.values); err != nil ||
			got != c.want {
			t.Errorf("got %d, %v, want %d", got, err, c.want)
		}
	}
	if _, err := (validator{}).Select(recordKey(alice.id), [][]byte{forged, nil}); err == nil {
		t.Error("selected an invalid record")
	}
}

// Other members accept what we seal, however many addresses there are.
func TestSealedRecordCounts(t *testing.T) {
	alice := newMaker(t)
	relay := newMaker(t).id
	var long []ma.Multiaddr
	for i := range 40 {
		long = append(long, ma.StringCast(fmt.Sprintf(
			"/ip6/2001:db8::%x/udp/4433/quic-v1/p2p/%s/p2p-circuit/p2p/%s", i+1, relay, relay)))
	}
	for _, addrs := range [][]ma.Multiaddr{someAddrs(1), someAddrs(40), long} {
		value, err := sealRecord(alice.key, alice.id, addrs, nextSeq(0, time.Now()))
		if err == nil {
			err = validator{}.Validate(recordKey(alice.id), value)
		}
		if err != nil {
			t.Errorf("%d addresses: %v", len(addrs), err)
		}
	}
	if _, err := sealRecord(alice.key, alice.id, nil, nextSeq(0, time.Now())); err == nil {
		t.Error("sealed a record without addresses")
	}
}

func TestNextSeq(t *testing.T) {
	now := time.Now()
	at := func(ahead time.Duration) uint64 { return uint64(now.Add(ahead).UnixNano()) }
	for name, c := range map[string]struct{ last, want uint64 }{
		"the first":                {0, at(0)},
		"the clock goes forward":   {at(-time.Minute), at(0)},
		"the clock stands":         {at(0), at(0) + 1},
		"the clock was set back":   {at(maxClockSkew / 2), at(maxClockSkew/2) + 1},
		"the last was never valid": {at(2 * maxClockSkew), at(0)},
	} {
		if got := nextSeq(c.last, now); got != c.want {
			t.Errorf("%s: %d after %d, want %d", name, got, c.last, c.want)
		}
	}
}

func TestPublishable(t *testing.T) {
	relayed := "/ip4/198.51.100.1/tcp/1/p2p/" + newMaker(t).id.String() + "/p2p-circuit"
	for _, c := range []struct{ have, want string }{
		{"", ""},
		{"/ip4/127.0.0.1/tcp/1 /ip6/::1/tcp/1", "/ip4/127.0.0.1/tcp/1 /ip6/::1/tcp/1"},
		{"/ip4/127.0.0.1/tcp/1 /ip4/192.168.1.2/tcp/1", "/ip4/192.168.1.2/tcp/1"},
		{"/ip6/fe80::1/tcp/1 /ip4/0.0.0.0/tcp/1 /ip4/10.0.0.1/tcp/1 /ip4/45.1.0.1/tcp/1",
			"/ip4/45.1.0.1/tcp/1 /ip4/10.0.0.1/tcp/1"},
		{"/ip4/10.0.0.1/tcp/1 " + relayed + " /ip4/10.0.0.1/tcp/1",
			relayed + " /ip4/10.0.0.1/tcp/1"},
	} {
		var have, got []ma.Multiaddr
		for text := range strings.FieldsSeq(c.have) {
			have = append(have, ma.StringCast(text))
		}
		got = publishable(have)
		if text := strings.Trim(fmt.Sprint(got), "[]"); text != c.want {
			t.Errorf("of %s: %s", c.have, text)
		}
	}
}

// Whatever is made of a record, it is refused or has the addresses that its maker signed,
// and only under the maker's key.
func FuzzRecord(f *testing.F) {
	alice := newMaker(f)
	key, addrs := recordKey(alice.id), someAddrs(3)
	genuine := alice.seal(f, alice.record(0, addrs...))
	f.Add(key, genuine)
	f.Add(key, genuine[:len(genuine)-1])
	f.Add(key, newMaker(f).seal(f, alice.record(0, addrs...)))
	f.Add(key, alice.seal(f, alice.record(2*maxRecordAge, addrs...)))
	f.Add(key+"x", genuine)
	f.Add(recordKey(newMaker(f).id), genuine)
	f.Add("", []byte{})
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		rec, err := validRecord(key, value)
		best, selectErr := validator{}.Select(key, [][]byte{nil, value})
		if err != nil {
			return
		}
		if selectErr != nil || best != 1 {
			t.Errorf("a valid record is not selected: %d, %v", best, selectErr)
		}
		if rec.PeerID == alice.id && !slices.EqualFunc(rec.Addrs, addrs, ma.Multiaddr.Equal) {
			t.Errorf("%x has the addresses %v", value, rec.Addrs)
		}
		if recordKey(rec.PeerID) != key {
			t.Errorf("the record of %s is valid under the key %q", rec.PeerID, key)
		}
	})
}
