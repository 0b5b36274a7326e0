package transport

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	manet "github.com/multiformats/go-multiaddr/net"
)

// answering is a connection whose peer has sent its bytes already. One Read returns up to
// step of them.
type answering struct {
	manet.Conn
	network.ConnStat
	bytes.Reader
	step int
}

func (a *answering) Read(p []byte) (int, error) {
	if a.step > 0 && len(p) > a.step {
		p = p[:a.step]
	}
	return a.Reader.Read(p)
}

func (a *answering) Write(p []byte) (int, error) { return len(p), nil }

// The offer comes back at once. What follows is returned exactly if the peer has echoed
// the offer, in whatever pieces.
func FuzzOptimistic(f *testing.F) {
	const offer = "\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n"
	f.Add([]byte(offer), []byte(offer+"hello"), byte(0))
	f.Add([]byte(offer), []byte(offer[:20]+"\x03na\n"), byte(7))
	f.Add([]byte(offer), []byte(offer[:30]), byte(1))
	f.Add([]byte(""), []byte("hello"), byte(2))
	f.Fuzz(func(t *testing.T, offer, answer []byte, step byte) {
		peer := &answering{step: int(step)}
		peer.Reset(answer)
		c := newOptimisticConn(peer)
		if n, err := c.Write(offer); n != len(offer) || err != nil {
			t.Fatal(n, err)
		}
		c.Write([]byte("handshake"))
		back := make([]byte, len(offer))
		if _, err := io.ReadFull(c, back); err != nil || !bytes.Equal(back, offer) {
			t.Fatalf("%q came back, %v", back, err)
		}
		rest, err := io.ReadAll(c)
		switch {
		case bytes.HasPrefix(answer, offer):
			if err != nil || !bytes.Equal(rest, answer[len(offer):]) {
				t.Errorf("read %q, %v", rest, err)
			}
		case bytes.HasPrefix(offer, answer):
			if err != nil || len(rest) > 0 || c.confirmed != len(answer) {
				t.Errorf("the peer hung up: read %q, %v", rest, err)
			}
		case !errors.Is(err, ErrNotAgreed) || len(rest) > 0:
			t.Errorf("read %q, %v", rest, err)
		}
	})
}
