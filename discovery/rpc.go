package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio/pbio"
)

const (
	// rpcTimeout bounds a message to a member and its answer.
	rpcTimeout = 10 * time.Second
	// maxAnswer bounds an answer, in bytes. The longest honest one names a peer and the
	// twenty nearest to it, each in 8 KiB at most, and holds a record of 2 KiB: 170 KiB.
	// There is also room for maxProviders providers of 0.8 KiB each. libp2p's own limit,
	// 4 MiB, would let a liar name half a million peers.
	maxAnswer = 256 << 10
	// maxNamed bounds how many peers of an answer count, to as many as a search of kad-dht
	// takes. kad-dht itself sends all of them to those who listen to its events.
	maxNamed = 40
)

// rpc sends the DHT's messages, each over a stream of its own, which costs no round trip.
// kad-dht's own sender keeps a stream to each member that it has asked, and a goroutine
// at the other end that reads it, for a minute after the last message.
type rpc struct {
	host      host.Host
	protocols []protocol.ID
}

func newRPC(h host.Host, protocols []protocol.ID) pb.MessageSenderWithDisconnect {
	return rpc{h, protocols}
}

// rpc sends our own messages.
func (k *kad) rpc() rpc { return rpc{k.host, []protocol.ID{k.name.protocol()}} }

// SendRequest returns what the member answers, and records how long that took.
func (r rpc) SendRequest(ctx context.Context, to peer.ID, msg *pb.Message) (*pb.Message, error) {
	var answer *pb.Message
	err := r.exchange(ctx, to, func(s network.Stream) (err error) {
		began := time.Now()
		if err := pbio.NewDelimitedWriter(s).WriteMsg(msg); err != nil {
			return err
		}
		if err := s.CloseWrite(); err != nil {
			return err
		}
		if answer, err = readAnswer(s, msg.GetType()); err == nil {
			r.host.Peerstore().RecordLatency(to, time.Since(began))
		}
		return err
	})
	return answer, err
}

// readAnswer reads a member's answer to a request of that type.
func readAnswer(from io.Reader, request pb.Message_MessageType) (*pb.Message, error) {
	var answer pb.Message
	if err := pbio.NewDelimitedReader(from, maxAnswer).ReadMsg(&answer); err != nil {
		return nil, err
	}
	if request == pb.Message_PUT_VALUE && answer.GetRecord() == nil {
		// kad-dht would dereference it
		return nil, errors.New("it answers without the record")
	}
	answer.CloserPeers = answer.CloserPeers[:min(len(answer.CloserPeers), maxNamed)]
	answer.ProviderPeers = answer.ProviderPeers[:min(len(answer.ProviderPeers), maxProviders)]
	return &answer, nil
}

// SendMessage does not wait for an answer.
func (r rpc) SendMessage(ctx context.Context, to peer.ID, msg *pb.Message) error {
	return r.exchange(ctx, to, func(s network.Stream) error {
		return pbio.NewDelimitedWriter(s).WriteMsg(msg)
	})
}

// ping asks a connected member for a sign of life. Only a timeout means that there is
// none: any other error comes from the member, which refuses or hangs up, or from here.
func (r rpc) ping(ctx context.Context, id peer.ID) error {
	_, err := r.SendRequest(network.WithNoDial(ctx, "ping"), id,
		pb.NewMessage(pb.Message_PING, nil, 0))
	return err
}

// OnDisconnect does nothing, since no stream is kept.
func (rpc) OnDisconnect(context.Context, peer.ID) {}

// exchange opens a stream, has do use it, and closes it.
func (r rpc) exchange(ctx context.Context, to peer.ID, do func(network.Stream) error) error {
	ctx, cancel := context.WithTimeout(ctx, rpcTimeout)
	defer cancel()
	s, err := r.host.NewStream(ctx, to, r.protocols...)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { s.Reset() })()
	if err := do(s); err != nil {
		s.Reset()
		if ctx.Err() != nil { // our own reset has caused err
			err = ctx.Err()
		}
		return fmt.Errorf("ask %s: %w", to, err)
	}
	return s.Close()
}
