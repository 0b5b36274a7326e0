package discovery

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newID(t testing.TB) peer.ID {
	t.Helper()
	_, key, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// testWait bounds each wait of a test.
const testWait = 20 * time.Second

// newHost makes a host on loopback that the end of the test closes.
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

// member is a running member of the mesh "lab".
type member struct {
	*Finder
	at   string // its address
	stop func() // leaves the mesh without a notice
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

// keeps waits until the member keeps a record of the peer with that address.
func (m *member) keeps(t *testing.T, id peer.ID, addr ma.Multiaddr) {
	t.Helper()
	var last []ma.Multiaddr
	deadline := time.Now().Add(testWait)
	for ; time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if last = m.kept(t, id); slices.ContainsFunc(last, addr.Equal) {
			return
		}
	}
	t.Fatalf("the record has %v, want %v", last, addr)
}

// kept returns the addresses in the record of a peer that the member hands out. It
// validates records only when they come in.
func (m *member) kept(t *testing.T, id peer.ID) []ma.Multiaddr {
	t.Helper()
	stranger := newHost(t)
	defer stranger.Close()
	if err := stranger.Connect(t.Context(), peer.AddrInfo{ID: m.host.ID(),
		Addrs: m.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	s, err := stranger.NewStream(t.Context(), m.host.ID(), m.name.protocol())
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
	rec := &publishedRecord{}
	if _, err := record.ConsumeTypedEnvelope(answer.GetRecord().GetValue(), rec); err != nil {
		t.Fatal(err)
	}
	return rec.Addrs
}

// find returns everything that Find finds.
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

// knows waits until a DHT has a peer in its routing table.
func knows(t *testing.T, d *dht.IpfsDHT, id peer.ID) {
	t.Helper()
	deadline := time.Now().Add(testWait)
	for ; d.RoutingTable().Find(id) == ""; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s has not added %s", d.Host().ID(), id)
		}
	}
}

// connected waits until the member has a connection to a peer that it made itself.
func connected(t *testing.T, m *member, id peer.ID) {
	t.Helper()
	made := make(chan struct{}, 1)
	check := func(_ network.Network, conn network.Conn) {
		if conn.RemotePeer() == id && isRedialable(conn) {
			signal(made)
		}
	}
	watch := &network.NotifyBundle{ConnectedF: check}
	m.host.Network().Notify(watch)
	defer m.host.Network().StopNotify(watch)
	for _, conn := range m.host.Network().ConnsToPeer(id) {
		check(nil, conn)
	}
	select {
	case <-made:
	case <-time.After(testWait):
		t.Fatalf("no connection to %s", id)
	}
}
