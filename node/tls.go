package node

import (
	"context"
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"

	"github.com/cell-mesh/cell/internal/bundle"
	"github.com/cell-mesh/cell/internal/rawio"
)

// security is libp2p's TLS, handshake and all. What it does otherwise is beneath: the
// records of one Write, four for what yamux writes at a time, take one system call.
type security struct{ *tls.Transport }

func newSecurity(id protocol.ID, key crypto.PrivKey,
	muxers []upgrader.StreamMuxer) (security, error) {
	t, err := tls.New(id, key, muxers)
	return security{t}, err
}

// SecureInbound closes the connection if it fails.
func (s security) SecureInbound(ctx context.Context, insecure net.Conn,
	p peer.ID) (sec.SecureConn, error) {
	return secure(ctx, insecure, p, s.Transport.SecureInbound)
}

// SecureOutbound closes the connection if it fails.
func (s security) SecureOutbound(ctx context.Context, insecure net.Conn,
	p peer.ID) (sec.SecureConn, error) {
	return secure(ctx, insecure, p, s.Transport.SecureOutbound)
}

func secure(ctx context.Context, insecure net.Conn, p peer.ID,
	shake func(context.Context, net.Conn, peer.ID) (sec.SecureConn, error)) (sec.SecureConn, error) {
	beneath := bundle.New(rawio.New(insecure))
	conn, err := shake(ctx, beneath, p)
	if err != nil {
		return nil, err
	}
	return &secured{SecureConn: conn, beneath: beneath}, nil
}

// secured is a connection whose handshake is done.
type secured struct {
	sec.SecureConn
	beneath *bundle.Conn
	writing sync.Mutex
}

// Write returns when all of it has been sent. An answer that TLS writes by itself
// meanwhile goes along; at other times those leave at once.
func (s *secured) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.beneath.Begin()
	n, err := s.SecureConn.Write(p)
	if sent := s.beneath.Send(); sent != nil && err == nil {
		return 0, sent
	}
	return n, err
}

// Close says goodbye, unless a Write is under way, which it breaks off.
func (s *secured) Close() error {
	if !s.writing.TryLock() {
		return s.beneath.Close()
	}
	defer s.writing.Unlock()
	return s.SecureConn.Close()
}
