package transport

import (
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/libp2p/go-libp2p"
	"go.uber.org/goleak"
	"golang.org/x/net/ipv4"

	"github.com/cell-mesh/cell/node/netif"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quic-go reads from sockets of package rawio and does not unwrap them.
func TestSockets(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getenv("CELL_RAWIO") == "off" {
		t.Skip("without rawio, quic-go reads a net.UDPConn")
	}
	key := newKey(t)
	s, err := Bind(Config{Machine: netif.Local{}, Key: key,
		IPs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, TCP: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h, err := libp2p.New(append(s.Options(), libp2p.Identity(key), libp2p.NoListenAddrs,
		libp2p.DisableMetrics())...)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := s.Listen(h); err != nil {
		t.Fatal(err)
	}
	if len(h.Network().ListenAddresses()) != 2 {
		t.Errorf("listens on %v", h.Network().ListenAddresses())
	}
	if len(s.lent) == 0 {
		t.Fatal("no socket was lent")
	}
	for _, l := range s.lent {
		conn := l.transport.Conn
		if _, ok := conn.(interface {
			ReadBatch(ms []ipv4.Message, flags int) (int, error)
		}); !ok {
			t.Errorf("quic-go reads from a %T", conn)
		}
	}
}
