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

// answers has a server answer everybody with the same.
func (r *resident) answers(with *pb.Message) {
	r.host.SetStreamHandler(mesh{"lab"}.protocol(), func(s network.Stream) {
		defer s.Close()
		var question pb.Message
		if pbio.NewDelimitedReader(s, network.MessageSizeMax).ReadMsg(&question) == nil {
			pbio.NewDelimitedWriter(s).WriteMsg(with)
		}
	})
}

// naming is an answer that names so many, of whom nobody exists.
func naming(n int) *pb.Message {
	m := pb.NewMessage(pb.Message_FIND_NODE, nil, 0)
	for i := range n {
		m.CloserPeers = append(m.CloserPeers,
			&pb.Message_Peer{Id: binary.BigEndian.AppendUint32(nil, uint32(i))})
	}
	return m
}

// Of those whom a liar names no more count than an honest member would name, in our own
// questions and in a search of kad-dht.
func TestNamedAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSteadyWorld(t, 40*time.Millisecond)
		defer w.close()
		w.addServer()
		liar := w.servers[0]
		liar.answers(naming(maxAnswer / 16))
		f, id := w.through(liar), newID(t)
		for name, search := range map[string]search{"ask for the peer": f.askPeer,
			"ask for its record": f.askRecord, "find the peer": f.findPeer, "find its record": f.findRecord} {
			f.dht.RoutingTable().TryAddPeer(liar.host.ID(), true, false)
			seen := newTally(id)
			f.race(t.Context(), id, seen, func([]ma.Multiaddr) {
				t.Errorf("%s: it is found",
					name)
			}, search)
			if all := len(seen.depth); all <= maxNamed/2 || all > maxNamed+1 {
				t.Errorf("%s: %d members count, want the liar and %d", name, all, maxNamed)
			}
		}
		if err := f.findFar(t.Context(), id, func([]ma.Multiaddr) {}); err == nil {
			t.Error("it is found")
		}
	})
}

// A member that answers nothing to the point keeps no record of ours, and does no harm.
func TestEmptyAnswers(t *testing.T) {
	inMesh(t, func(t *testing.T, w *world, server, member *resident, f *Finder) {
		member.run(f.Run)
		f.tries(1)
		server.answers(&pb.Message{})
		if err := f.put(t.Context(), member.host.Addrs(), 1); err == nil ||
			!strings.Contains(err.Error(), "without the record") {
			t.Errorf("handing out a record ended with %v", err)
		}
		if err := f.findFar(t.Context(), newID(t), func([]ma.Multiaddr) {}); err == nil {
			t.Error("it is found")
		}
	})
}

// The longest answer of an honest member is taken as it is, and a longer one not at all.
func TestAnswerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSteadyWorld(t, 40*time.Millisecond)
		defer w.close()
		w.addServer()
		f, to := w.through(w.servers[0]), w.servers[0]
		question := pb.NewMessage(pb.Message_GET_VALUE, []byte(recordKey(newID(t))), 0)

		honest := naming(1 + 20)
		for _, named := range honest.CloserPeers {
			named.Addrs = [][]byte{bytes.Repeat([]byte{1}, pb.MaxPeerRecordSize)}
		}
		honest.Record = &recpb.Record{Value: make([]byte, maxRecord)}
		to.answers(honest)
		if got, err := f.messages().SendRequest(t.Context(), to.host.ID(), question); err != nil ||
			len(got.CloserPeers) != len(honest.CloserPeers) ||
			len(got.Record.GetValue()) != maxRecord {
			t.Errorf("the longest that an honest member says: %v", err)
		}
		to.answers(naming(network.MessageSizeMax / 16))
		if _, err := f.messages().SendRequest(t.Context(), to.host.ID(), question); err == nil {
			t.Error("an answer of 2 MiB is taken")
		}
	})
}
