package mdns

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Service announces a host and looks for others from Start to Close. Like Notifee it has the
// shape that go-libp2p gives it.
type Service interface {
	Start() error
	io.Closer
}

// Notifee is told which peers are announced. It does not wait.
type Notifee interface {
	HandlePeerFound(peer.AddrInfo)
}

// dnsaddr begins a text that carries an address.
const dnsaddr = "dnsaddr="

// ForHost makes the Service of a host. It announces on each interface the addresses that the host
// listens at there. They are read anew with each announcement, since go-libp2p remembers its list
// for a minute. Close takes the announcement back and returns when Found is not called any more.
func ForHost(h host.Host, service string, found Notifee, log *slog.Logger) Service {
	s := &hostService{host: h, found: found}
	s.responder = New(Config{Service: service, Texts: s.texts, Found: s.heard, Log: log})
	return s
}

type hostService struct {
	host      host.Host
	found     Notifee
	responder *Responder

	running sync.WaitGroup
	stop    context.CancelFunc // nil before Start
}

func (s *hostService) Start() error {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() { s.responder.Run(ctx) })
	return nil
}

func (s *hostService) Close() error {
	if s.stop != nil {
		s.stop()
	}
	s.running.Wait()
	return nil
}

// texts are the addresses at which the host listens on an interface, with its ID.
func (s *hostService) texts(on net.Interface) (texts []string) {
	for _, listening := range s.host.Network().ListenAddresses() {
		first, rest := ma.SplitFirst(listening)
		if first == nil || rest == nil || strings.Contains(rest.String(), "/p2p-circuit") {
			continue
		}
		at, err := netip.ParseAddr(first.Value())
		if err != nil { // /p2p-circuit
			continue
		}
		for _, ip := range addresses(on) {
			if ip.Is4() != at.Is4() || !at.IsUnspecified() && at != ip || ip.IsLinkLocalUnicast() {
				continue
			}
			addr, err := manet.FromIP(ip.AsSlice())
			if err != nil {
				continue
			}
			texts = append(texts,
				dnsaddr+addr.Encapsulate(rest).String()+"/p2p/"+s.host.ID().String())
		}
	}
	return texts
}

// heard passes on the peers that a host announces, but for ourselves.
func (s *hostService) heard(_ *net.Interface, texts []string) {
	var addrs []ma.Multiaddr
	for _, text := range texts {
		addr, ok := strings.CutPrefix(text, dnsaddr)
		if !ok {
			continue
		}
		if parsed, err := ma.NewMultiaddr(addr); err == nil {
			addrs = append(addrs, parsed)
		}
	}
	infos, err := peer.AddrInfosFromP2pAddrs(addrs...)
	if err != nil {
		return
	}
	for _, info := range infos {
		if info.ID != s.host.ID() {
			s.found.HandlePeerFound(info)
		}
	}
}
