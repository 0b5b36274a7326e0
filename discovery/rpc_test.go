package discovery

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"
)

// answers makes a server give the same answer to every request.
func (r *resident) answers(with *pb.Message) {
	r.host.SetStreamHandler(meshName("lab").protocol(), func(s network.Stream) {
		defer s.Close()
		var request pb.Message
		if pbio.NewDelimitedReader(s, network.MessageSizeMax).ReadMsg(&request) == nil {
			pbio.NewDelimitedWriter(s).WriteMsg(with)
		}
	})
}

// naming returns an answer that names n peers that do not exist.
func naming(n int) *pb.Message {
	m := pb.NewMessage(pb.Message_FIND_NODE, nil, 0)
	for i := range n {
		m.CloserPeers = append(m.CloserPeers,
			&pb.Message_Peer{Id: binary.BigEndian.AppendUint32(nil, uint32(i))})
	}
	return m
}

// A liar can't make us ask more peers than an honest member would name, neither in a fast
// search nor in one of kad-dht.
func TestNamedPeersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSteadyWorld(t, 40*time.Millisecond)
		defer w.close()
		w.addServer()
		liar := w.servers[0]
		liar.answers(naming(maxAnswer / 16))
		f, id := w.through(liar), newID(t)
		for name, search := range map[string]search{
			"fast search for the peer":   f.mesh.fastFindPeer,
			"fast search for the record": f.mesh.fastFindRecord,
			"search for the peer":        f.mesh.findPeer,
			"search for the record":      f.mesh.findRecord,
		} {
			f.mesh.add(liar.host.ID())
			q := newTestQuery(id, func([]ma.Multiaddr) { t.Errorf("%s: found a peer", name) })
			f.mesh.race(t.Context(), q, search)
			if all := len(q.tally.depth); all <= maxNamed/2 || all > maxNamed+1 {
				t.Errorf("%s: %d members count, want the liar and %d", name, all, maxNamed)
			}
		}
		if err := f.mesh.find(t.Context(), id, func([]ma.Multiaddr) {}); err == nil {
			t.Error("found a peer that does not exist")
		}
	})
}

// A member that sends empty answers stores no record and does no harm.
func TestEmptyAnswers(t *testing.T) {
	inMesh(t, func(t *testing.T, _ *world, server, member *resident, f *Finder) {
		member.run(f.Run)
		f.waitForAttempts(1)
		server.answers(&pb.Message{})
		if err := f.mesh.publisher.publish(t.Context(), member.host.Addrs(), 1); err == nil ||
			!strings.Contains(err.Error(), "without the record") {
			t.Errorf("publishing ended with %v", err)
		}
		if err := f.mesh.find(t.Context(), newID(t), func([]ma.Multiaddr) {}); err == nil {
			t.Error("found a peer that does not exist")
		}
	})
}

// The longest honest answer is read whole, and a longer one is refused.
func TestAnswerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSteadyWorld(t, 40*time.Millisecond)
		defer w.close()
		w.addServer()
		f, to := w.through(w.servers[0]), w.servers[0]
		request := pb.NewMessage(pb.Message_GET_VALUE, []byte(recordKey(newID(t))), 0)

		honest := naming(1 + 20)
		for _, named := range honest.CloserPeers {
			named.Addrs = [][]byte{bytes.Repeat([]byte{1}, pb.MaxPeerRecordSize)}
		}
		honest.Record = &recpb.Record{Value: make([]byte, maxRecord)}
		to.answers(honest)
		if got, err := f.mesh.rpc().SendRequest(t.Context(), to.host.ID(), request); err != nil ||
			len(got.CloserPeers) != len(honest.CloserPeers) ||
			len(got.Record.GetValue()) != maxRecord {
			t.Errorf("the longest honest answer: %v", err)
		}
		to.answers(naming(network.MessageSizeMax / 16))
		if _, err := f.mesh.rpc().SendRequest(t.Context(), to.host.ID(), request); err == nil {
			t.Error("an answer of 2 MiB was accepted")
		}
	})
}

// Whatever a member answers, a fast search can read it, and no more counts than the
// bounds allow.
func FuzzAnswer(f *testing.F) {
	alice := newMaker(f)
	key := recordKey(alice.id)
	add := func(m *pb.Message, kind pb.Message_MessageType) {
		var framed bytes.Buffer
		if err := pbio.NewDelimitedWriter(&framed).WriteMsg(m); err != nil {
			f.Fatal(err)
		}
		f.Add(framed.Bytes(), int32(kind))
	}
	add(&pb.Message{}, pb.Message_PUT_VALUE)
	add(naming(3), pb.Message_FIND_NODE)
	add(naming(maxNamed+1), pb.Message_FIND_NODE)
	full := naming(1)
	full.CloserPeers[0].Id = []byte(alice.id)
	full.CloserPeers[0].Addrs = [][]byte{someAddrs(1)[0].Bytes()}
	full.ProviderPeers = full.CloserPeers
	full.Record = &recpb.Record{Key: []byte(key),
		Value: alice.seal(f, alice.record(0, someAddrs(1)...))}
	add(full, pb.Message_GET_VALUE)
	add(full, pb.Message_GET_PROVIDERS)
	f.Add([]byte{}, int32(0))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, int32(0)) // a length of 4 GiB
	f.Fuzz(func(t *testing.T, data []byte, kind int32) {
		request := pb.Message_MessageType(kind)
		answer, err := readAnswer(bytes.NewReader(data), request)
		if err != nil {
			if answer != nil {
				t.Errorf("an answer comes with %v", err)
			}
			return
		}
		if len(answer.CloserPeers) > maxNamed || len(answer.ProviderPeers) > maxProviders {
			t.Errorf("%d peers and %d providers count", len(answer.CloserPeers),
				len(answer.ProviderPeers))
		}
		if request == pb.Message_PUT_VALUE && answer.GetRecord() == nil {
			t.Error("an answer without the record is accepted")
		}
		for _, info := range append(pb.PBPeersToPeerInfos(answer.GetCloserPeers()),
			pb.PBPeersToPeerInfos(answer.GetProviderPeers())...) {
			for _, addr := range info.Addrs {
				if addr == nil || addr.String() == "" {
					t.Errorf("%s is named with an empty address", info.ID)
				}
			}
		}
		rec, err := validRecord(key, answer.GetRecord().GetValue())
		if err == nil && rec.PeerID != alice.id {
			t.Errorf("the record of %s is accepted for %s", rec.PeerID, alice.id)
		}
	})
}
