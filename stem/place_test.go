package stem

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/knownplaces"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

// placeNetwork knows which peer is at which place.
type placeNetwork struct {
	*fakeNetwork
	lives map[string]address.ID
	asked []string        // places given to Whois
	at    []address.Place // places given to the last Open
}

func (n *placeNetwork) Whois(_ context.Context, at address.Place) (address.ID, error) {
	n.asked = append(n.asked, at.String())
	id, ok := n.lives[at.String()]
	if !ok {
		return id, fmt.Errorf("nobody answers at %s", at)
	}
	return id, nil
}

func (n *placeNetwork) Open(ctx context.Context, to address.ID,
	at ...address.Place) (pipe.Stream, error) {
	n.at = at
	return n.fakeNetwork.Open(ctx, to, at...)
}

// placeTwins are twins. The first remembers places in a home, and may reach echo at the second.
func placeTwins(t *testing.T) (a, b *machine, network *placeNetwork, h home.Home) {
	t.Helper()
	a, b = twins(t)
	h = newHome(t)
	network = &placeNetwork{fakeNetwork: a.net, lives: map[string]address.ID{}}
	a.Network, a.Places = network, placesFile{h}
	a.cells.do["echo"], b.cells.do["echo"] = echo, echo
	b.grant(a, "echo")
	return a, b, network, h
}

func place(text string) address.Place {
	peer, err := address.ParsePeer(text)
	p, ok := peer.Place()
	if err != nil || !ok {
		panic(fmt.Sprintf("%s is not a place: %v", text, err))
	}
	return p
}

func wantEcho(t *testing.T, m *machine, at string) {
	t.Helper()
	_, stream, err := ask(t, m.local(), "open echo@"+at)
	if err != nil {
		t.Errorf("echo@%s: %v", at, err)
		return
	}
	if got := everything(t, stream, "hello"); got != "hello" {
		t.Errorf("echo@%s answers %q", at, got)
	}
}

// The first peer at a place is remembered. When another answers there later, the call is refused
// with both IDs and no stream is opened, until the user forgets the first.
func TestPlaceIsKnownByItsFirstAnswer(t *testing.T) {
	a, b, network, h := placeTwins(t)
	for _, at := range []string{"192.168.1.5:4433", "desk.example.org",
		"/ip4/192.0.2.1/udp/4433/quic-v1"} {
		network.lives[at] = b.net.id
		for range 2 {
			wantEcho(t, a, at)
		}
		if known, ok, err := knownplaces.Find(h, place(at)); known.ID != b.net.id || !ok ||
			err != nil {
			t.Errorf("known at %s: %v, %v", at, known, err)
		}
		if !slices.Equal(network.at, []address.Place{place(at)}) {
			t.Errorf("the peer at %s was looked for at %v", at, network.at)
		}
		network.lives[at] = testID(3)
		a.net.far[testID(3)] = b
		opens := a.net.opens
		for range 2 {
			_, _, err := ask(t, a.local(), "open echo@"+at)
			wantRefusal(t, err, wire.Changed, at, b.net.id.String(), testID(3).String(),
				"another machine, or an attacker in between")
		}
		if a.net.opens != opens {
			t.Errorf("a stream was opened to the peer at %s", at)
		}
		if _, _, err := knownplaces.Forget(t.Context(), h, place(at)); err != nil {
			t.Fatal(err)
		}
		wantEcho(t, a, at)
		if known, _, _ := knownplaces.Find(h, place(at)); known.ID != testID(3) {
			t.Errorf("known at %s now: %v", at, known)
		}
	}
}

// The machine's own place means here. It is not remembered, since the machine may move.
func TestOwnPlaceIsHere(t *testing.T) {
	a, _, network, h := placeTwins(t)
	network.lives["192.168.1.5"] = a.net.id
	wantEcho(t, a, "192.168.1.5")
	wantEcho(t, a, "/ip4/192.168.1.5/tcp/1/p2p/"+a.net.id.String())
	if a.net.opens > 0 || len(a.cells.asked) != 2 {
		t.Errorf("%d streams were opened, and the cells were asked to %q", a.net.opens,
			a.cells.asked)
	}
	if _, err := os.Stat(h.Places()); err == nil {
		t.Error("the place was remembered")
	}
}

// A multiaddr with an ID is not remembered: the handshake proves the ID.
func TestNamedPlaceNeedsNoMemory(t *testing.T) {
	a, b, network, h := placeTwins(t)
	for _, at := range []string{"/ip4/192.0.2.1/tcp/1/p2p/" + b.net.id.String(),
		"/p2p/" + b.net.id.String(),
		"/ip4/192.0.2.1/tcp/1/p2p/" + testID(8).String() + "/p2p-circuit/p2p/" +
			b.net.id.String()} {
		wantEcho(t, a, at)
		if !slices.Equal(network.at, []address.Place{place(at)}) {
			t.Errorf("it was looked for at %v", network.at)
		}
	}
	if _, err := os.Stat(h.Places()); err == nil || len(network.asked) > 0 {
		t.Errorf("a place was remembered or asked: %q", network.asked)
	}
}

// If nobody answers, nothing is remembered, and the error names the place.
func TestNobodyAtAPlace(t *testing.T) {
	a, _, _, h := placeTwins(t)
	for _, at := range []string{"192.168.1.9", "/ip4/192.0.2.9/tcp/1",
		"/ip4/192.0.2.9/tcp/1/p2p/" + testID(8).String() + "/p2p-circuit"} {
		_, _, err := ask(t, a.local(), "open echo@"+at)
		wantRefusal(t, err, wire.Unreachable, "nobody answers at "+at)
	}
	if _, err := os.Stat(h.Places()); err == nil {
		t.Error("a place was remembered")
	}
}

// While places.toml is unreadable, calls to places fail, and the error names the line.
func TestPlacesThatCannotBeRead(t *testing.T) {
	a, b, network, h := placeTwins(t)
	network.lives["192.168.1.5"] = b.net.id
	write(t, h.Places(), "['192.168.1.5']\nid = 'laptop'\n", 0o600)
	_, _, err := ask(t, a.local(), "open echo@192.168.1.5")
	wantRefusal(t, err, wire.Failed, h.Places()+":2: ")
	if a.net.opens > 0 {
		t.Error("a stream was opened")
	}
}
