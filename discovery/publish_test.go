package discovery

import (
	"context"
	"slices"
	"testing"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// A peer that no member was connected to lately is found by its record.
func TestRecordOutlivesConnections(t *testing.T) {
	first := newMember(t, newHost(t))
	second := newMember(t, newHost(t), first)
	knows(t, first.mesh.dht, second.host.ID()) // otherwise the target learns only of the first
	target := newMember(t, newHost(t), first)
	id, addr := target.host.ID(), target.host.Addrs()[0]
	first.keeps(t, id, addr)
	second.keeps(t, id, addr)
	target.stop()
	for _, m := range []*member{first, second} { // as they forget it after a while
		m.host.Network().ClosePeer(id)
		m.host.Peerstore().ClearAddrs(id)
	}
	asker := newMember(t, newHost(t), first)
	if addrs, err := asker.find(t, id); err != nil || !slices.ContainsFunc(addrs, addr.Equal) {
		t.Errorf("found %v, %v", addrs, err)
	}
}

// The first member of a mesh publishes its addresses when others come.
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

// Members neither store nor believe records that are forged or out of date.
func TestMembersRefuseBadRecords(t *testing.T) {
	first := newMember(t, newHost(t))
	target, bad := newMaker(t), someAddrs(1)
	liar, err := dht.New(newHost(t), dht.ProtocolPrefix(meshName("lab").prefix()),
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
		knows(t, m.mesh.dht, liar.Host().ID())
		knows(t, liar, m.host.ID())
	}
	for name, value := range map[string][]byte{
		"forged":  newMaker(t).seal(t, target.record(0, bad...)),
		"ancient": target.seal(t, target.record(2*maxRecordAge, bad...)),
	} {
		if err := liar.PutValue(ctx, recordKey(target.id), value); err != nil {
			t.Fatal(err)
		}
		if kept := first.kept(t, target.id); kept != nil {
			t.Errorf("%s: stored %v", name, kept)
		}
		if addrs, err := asker.find(t, target.id); err == nil {
			t.Errorf("%s: found %v", name, addrs)
		}
	}
	genuine := target.seal(t, target.record(0, bad...))
	if err := liar.PutValue(ctx, recordKey(target.id), genuine); err != nil {
		t.Fatal(err)
	}
	// this proves that the liar was asked all along
	if addrs, err := asker.find(t, target.id); err != nil || len(addrs) == 0 {
		t.Errorf("genuine: found %v, %v", addrs, err)
	}
}

// credulous accepts everything as a record, and prefers the first.
type credulous struct{}

func (credulous) Validate(string, []byte) error { return nil }

func (credulous) Select(string, [][]byte) (int, error) { return 0, nil }
