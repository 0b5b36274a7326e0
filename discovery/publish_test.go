package discovery

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"
)

// testWait bounds what a test waits for.
const testWait = 20 * time.Second

// newHost makes a host on loopback, for as long as the test.
func newHost(t *testing.T, options ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append([]libp2p.Option{
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.DisableMetrics(),
		libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// member is one that runs in the mesh "lab".
type member struct {
	*Finder
	at   string // its address
	stop func() // leaves the mesh, without a word
}

func newMember(t *testing.T, h host.Host, through ...*member) *member {
	t.Helper()
	return newMemberWith(t, h, Config{}, through...)
}

func newMemberWith(t *testing.T, h host.Host, cfg Config, through ...*member) *member {
	t.Helper()
	cfg.Host, cfg.Mesh, cfg.NoMDNS = h, "lab", true
	for _, m := range through {
		cfg.Bootstrap = append(cfg.Bootstrap, m.at+"/p2p/"+m.host.ID().String())
	}
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f.Run(ctx) })
	stop := sync.OnceFunc(func() {
		cancel()
		running.Wait()
		f.Close()
		h.Close()
	})
	t.Cleanup(stop)
	return &member{f, h.Addrs()[0].String(), stop}
}

// keeps waits until the member keeps a record of the peer that names an address.
func (m *member) keeps(t *testing.T, id peer.ID, addr ma.Multiaddr) {
	t.Helper()
	var last []ma.Multiaddr
	for deadline := time.Now().Add(testWait); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if last = m.kept(t, id); slices.ContainsFunc(last, addr.Equal) {
			return
		}
	}
	t.Fatalf("the record names %v, and not %v", last, addr)
}

// kept is what the record of a peer says that the member hands out, which it checks only
// when it comes in.
func (m *member) kept(t *testing.T, id peer.ID) []ma.Multiaddr {
	t.Helper()
	stranger := newHost(t)
	defer stranger.Close()
	if err := stranger.Connect(t.Context(), peer.AddrInfo{ID: m.host.ID(),
		Addrs: m.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	s, err := stranger.NewStream(t.Context(), m.host.ID(), m.mesh.protocol())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Reset()
	s.SetDeadline(time.Now().Add(testWait))
	var answer pb.Message
	if err := pbio.NewDelimitedWriter(s).WriteMsg(pb.NewMessage(pb.Message_GET_VALUE,
		[]byte(recordKey(id)), 0)); err != nil {
		t.Fatal(err)
	}
	if err := pbio.NewDelimitedReader(s, network.MessageSizeMax).ReadMsg(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.GetRecord() == nil {
		return nil
	}
	says := &published{}
	if _, err := record.ConsumeTypedEnvelope(answer.GetRecord().GetValue(), says); err != nil {
		t.Fatal(err)
	}
	return says.Addrs
}

// find returns all that is found.
func (m *member) find(t *testing.T, id peer.ID) (addrs []ma.Multiaddr, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testWait)
	defer cancel()
	var mu sync.Mutex
	err = m.Find(ctx, id, func(more []ma.Multiaddr) {
		mu.Lock()
		defer mu.Unlock()
		addrs = append(addrs, more...)
	})
	mu.Lock()
	defer mu.Unlock()
	return addrs, err
}

// A peer whom nobody has met lately is found by its record.
func TestRecordOutlivesConnections(t *testing.T) {
	first := newMember(t, newHost(t))
	second := newMember(t, newHost(t), first)
	knows(t, first.dht, second.host.ID()) // else the target hears of nobody but the first
	target := newMember(t, newHost(t), first)
	id, addr := target.host.ID(), target.host.Addrs()[0]
	first.keeps(t, id, addr)
	second.keeps(t, id, addr)
	target.stop()
	for _, m := range []*member{first, second} { // as they do after a while
		m.host.Network().ClosePeer(id)
		m.host.Peerstore().ClearAddrs(id)
	}
	asker := newMember(t, newHost(t), first)
	if addrs, err := asker.find(t, id); err != nil || !slices.ContainsFunc(addrs, addr.Equal) {
		t.Errorf("found %v, %v", addrs, err)
	}
}

// The first member of a mesh has nobody to tell, until others come.
func TestFirstMemberPublishes(t *testing.T) {
	first := newMember(t, newHost(t))
	second := newMember(t, newHost(t), first)
	second.keeps(t, first.host.ID(), first.host.Addrs()[0])
}

func TestRecordFollowsAddresses(t *testing.T) {
	first := newMember(t, newHost(t))
	target := newMember(t, newHost(t), first)
	id := target.host.ID()
	first.keeps(t, id, target.host.Addrs()[0])
	if err := target.host.Network().Listen(ma.StringCast("/ip4/127.0.0.2/tcp/0")); err != nil {
		t.Fatal(err)
	}
	addrs := target.host.Addrs()
	first.keeps(t, id, addrs[0])
	first.keeps(t, id, addrs[1])
}

// Members neither keep nor believe what somebody else says in a peer's name, or what is
// out of date.
func TestMembersRefuseBadRecords(t *testing.T) {
	first := newMember(t, newHost(t))
	target, bad := newMaker(t), someAddrs(1)
	liar, err := dht.New(newHost(t), dht.ProtocolPrefix(mesh{"lab"}.prefix()),
		dht.Mode(dht.ModeServer),
		dht.DisableProviders(), dht.Validator(credulous{}))
	if err != nil {
		t.Fatal(err)
	}
	defer liar.Close()
	ctx, cancel := context.WithTimeout(t.Context(), testWait)
	defer cancel()
	if err := liar.Host().Connect(ctx, peer.AddrInfo{ID: first.host.ID(),
		Addrs: first.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	asker := newMember(t, newHost(t), first)
	if err := asker.host.Connect(ctx, peer.AddrInfo{ID: liar.Host().ID(),
		Addrs: liar.Host().Addrs()}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*member{first, asker} {
		knows(t, m.dht, liar.Host().ID())
		knows(t, liar, m.host.ID())
	}
	for name, value := range map[string][]byte{
		"forged":  newMaker(t).seal(t, target.says(0, bad...)),
		"ancient": target.seal(t, target.says(2*maxAge, bad...)),
	} {
		if err := liar.PutValue(ctx, recordKey(target.id), value); err != nil {
			t.Fatal(err)
		}
		if kept := first.kept(t, target.id); kept != nil {
			t.Errorf("%s: keeps %v", name, kept)
		}
		if addrs, err := asker.find(t, target.id); err == nil {
			t.Errorf("%s: found %v", name, addrs)
		}
	}
	genuine := target.seal(t, target.says(0, bad...))
	if err := liar.PutValue(ctx, recordKey(target.id), genuine); err != nil {
		t.Fatal(err)
	}
	// so the liar was heard all along
	if addrs, err := asker.find(t, target.id); err != nil || len(addrs) == 0 {
		t.Errorf("genuine: found %v, %v", addrs, err)
	}
}

// knows waits until a DHT asks a peer.
func knows(t *testing.T, d *dht.IpfsDHT, id peer.ID) {
	t.Helper()
	for deadline := time.Now().Add(testWait); d.RoutingTable().Find(id) == ""; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not ask %s", d.Host().ID(), id)
		}
	}
}

// credulous takes whatever comes for a record, and the last one for the best.
type credulous struct{}

func (credulous) Validate(string, []byte) error { return nil }

func (credulous) Select(string, [][]byte) (int, error) { return 0, nil }
