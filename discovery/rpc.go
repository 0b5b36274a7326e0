package discovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio/pbio"
)

const (
	// messageWait bounds a message to a member, and its answer.
	messageWait = 10 * time.Second
	// maxAnswer bounds an answer, in bytes. The longest honest one names a peer and the
	// twenty nearest to it, each in 8 KiB at most, and holds a record of 2 KiB, which
	// makes 170 KiB; or has room for maxBeacons providers besides, at 0.8 KiB each. What
	// libp2p takes for a message, 4 MiB, is half a million names of a liar's.
	maxAnswer = 256 << 10
	// maxNamed bounds whom an answer names, to as many as a search of kad-dht takes. It
	// tells those who listen of all.
	maxNamed = 40
)

// messages sends the DHT's messages, each over a stream of its own, which costs no round
// trip. kad-dht's own sender keeps a stream to everybody that it has asked, and a
// goroutine at the other end that reads it, for a minute after the last message.
type messages struct {
	host      host.Host
	protocols []protocol.ID
}

// newMessages is what the DHT makes its sender by.
func newMessages(h host.Host, protocols []protocol.ID) pb.MessageSenderWithDisconnect {
	return messages{h, protocols}
}

// messages are our own.
func (f *Finder) messages() messages { return messages{f.host, []protocol.ID{f.mesh.protocol()}} }

// SendRequest returns what the member answers, and notes how long that took.
func (m messages) SendRequest(ctx context.Context, to peer.ID,
	msg *pb.Message) (*pb.Message, error) {
	var answer pb.Message
	return &answer, m.exchange(ctx, to, func(s network.Stream) error {
		began := time.Now()
		if err := pbio.NewDelimitedWriter(s).WriteMsg(msg); err != nil {
			return err
		}
		if err := s.CloseWrite(); err != nil {
			return err
		}
		if err := pbio.NewDelimitedReader(s, maxAnswer).ReadMsg(&answer); err != nil {
			return err
		}
		if msg.GetType() == pb.Message_PUT_VALUE && answer.GetRecord() == nil {
			// of which kad-dht would read the value
			return errors.New("it answers without the record")
		}
		m.host.Peerstore().RecordLatency(to, time.Since(began))
		answer.CloserPeers = answer.CloserPeers[:min(len(answer.CloserPeers), maxNamed)]
		answer.ProviderPeers = answer.ProviderPeers[:min(len(answer.ProviderPeers), maxBeacons)]
		return nil
	})
}

// SendMessage waits for no answer.
func (m messages) SendMessage(ctx context.Context, to peer.ID, msg *pb.Message) error {
	return m.exchange(ctx, to, func(s network.Stream) error {
		return pbio.NewDelimitedWriter(s).WriteMsg(msg)
	})
}

// ping asks a member that we are connected to for a sign of life. There is none if the
// error is silence; any other comes from the member, which refuses or has hung up, or
// from here.
func (m messages) ping(ctx context.Context, of peer.ID) error {
	_, err := m.SendRequest(network.WithNoDial(ctx, "ping"), of,
		pb.NewMessage(pb.Message_PING, nil, 0))
	return err
}

// OnDisconnect has nothing to do.
func (messages) OnDisconnect(context.Context, peer.ID) {}

// exchange says something over a stream, which it opens and closes.
func (m messages) exchange(ctx context.Context, to peer.ID, say func(network.Stream) error) error {
	ctx, cancel := context.WithTimeout(ctx, messageWait)
	defer cancel()
	s, err := m.host.NewStream(ctx, to, m.protocols...)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	if err := say(s); err != nil {
		s.Reset()
		if ctx.Err() != nil { // then it was us who broke off
			err = ctx.Err()
		}
		return fmt.Errorf("ask %s: %w", to, err)
	}
	return s.Close()
}
