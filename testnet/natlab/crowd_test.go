//go:build linux

package natlab

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
)

// crowdJoins tells a process that it is a crowd, and through whom it joins the mesh.
const crowdJoins = "NATLAB_CROWD_JOINS"

// startCrowd runs members of the mesh's DHT on a public host, each at an address of its
// own, and returns when all have joined. They end with the test, at the latest.
func startCrowd(t *testing.T, on *Host, number int, through *stem) {
	t.Helper()
	var addrs []string
	for i := range number {
		addr := nth(netip.PrefixFrom(on.Addr, 32), i+1)
		check(t, on.namespace.ip(addAddr(addr, uplink)))
		addrs = append(addrs, addr.Addr().String())
	}
	cmd := on.Command(context.Background(), os.Args[0], "-test.run=^TestHelperCrowd$", "-test.v",
		"--")
	cmd.Args = append(cmd.Args, addrs...)
	cmd.Env = append(os.Environ(), crowdJoins+"="+strings.Join(through.bootstrap(), " "))
	says, err := cmd.StdoutPipe()
	check(t, err)
	cmd.Stderr = os.Stderr
	check(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	stop := time.AfterFunc(readyWait, func() { cmd.Process.Kill() })
	defer stop.Stop()
	lines := bufio.NewScanner(says)
	var said strings.Builder
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if lines.Text() == "joined" {
			return
		}
	}
	t.Fatalf("the crowd has not joined the mesh:\n%s", said.String())
}

// TestHelperCrowd is the process of startCrowd.
func TestHelperCrowd(t *testing.T) {
	through := os.Getenv(crowdJoins)
	if through == "" {
		t.Skip("is run by other tests")
	}
	boot := bootOverTCP(t, through)
	var group sync.WaitGroup
	for _, arg := range os.Args {
		addr, err := netip.ParseAddr(arg)
		if err != nil {
			continue
		}
		group.Go(func() { joinAs(t, addr, boot) })
	}
	group.Wait()
	if !t.Failed() {
		fmt.Println("joined")
		select {} // whoever started it kills it
	}
}

// joinAs makes a member, and returns when it knows others.
func joinAs(t *testing.T, addr netip.Addr, boot peer.AddrInfo) {
	host, err := libp2p.New(libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/%s/tcp/4433", addr)),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.Transport(tcp.NewTCPTransport,
			tcp.WithDialerForAddr(func(ma.Multiaddr) (tcp.ContextDialer, error) {
				return &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr,
					0))}, nil
			})), libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.DisableMetrics(), libp2p.DisableRelay())
	if err != nil {
		t.Error(err)
		return
	}
	member, err := dht.New(host, dht.ProtocolPrefix("/cell/lab"), dht.Mode(dht.ModeServer),
		dht.BootstrapPeers(boot), dht.DisableProviders(), dht.DisableValues())
	if err == nil {
		err = host.Connect(t.Context(), boot)
	}
	if err == nil {
		member.RoutingTable().TryAddPeer(boot.ID, true, false)
		err = <-member.ForceRefresh()
	}
	if err != nil {
		t.Errorf("%s: %v", addr, err)
	}
}

// A peer is found in a mesh most of whose members are gone, without a word, and that
// nobody knows an ID is said as soon as in any other.
func TestDeadCrowd(t *testing.T) {
	t.Parallel()
	lab, members := town(t, []string{"member1", "member2"}, Public.Site("crowd"),
		EIM.Site("target"), EIM.Site("caller"), EIM.Site("nobody"))
	startCrowd(t, lab.Host("crowd"), 24, members[0])
	target := settle(t, lab, "target", members)
	target.joined()
	check(t, lab.Host("crowd").Down())
	caller := settle(t, lab, "caller", members)
	target.trusts(caller)
	caller.getsThrough(target, busy(3*time.Second))
	nobody := newStem(t, lab.Host("nobody"))
	for range 2 {
		if why := caller.mustFail(nobody, busy(2*time.Second)); !strings.Contains(why, " silent") {
			t.Errorf("%s: that members are silent is not told", why)
		}
	}
}
