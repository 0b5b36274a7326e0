//go:build linux

package natlab

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
)

// status is what this test wants to know of what `cell status --json` prints.
type status struct {
	Network struct {
		Reachability string `json:"reachability"`
		Ports        struct {
			By      string     `json:"by"`
			Outside netip.Addr `json:"outside"`
		} `json:"ports"`
		Relays []string   `json:"relays"`
		Peers  []peerConn `json:"peers"`
		DHT    struct {
			Mode      string    `json:"mode"`
			Peers     int       `json:"peers"`
			Published time.Time `json:"published"`
		} `json:"dht"`
	} `json:"network"`
}

// peerConn is one to a peer.
type peerConn struct {
	ID        string `json:"id"`
	Transport string `json:"transport"` // "relay" among them
	Relay     string `json:"relay"`     // the ID of the one that is taken
	Direction string `json:"direction"` // "in" if the peer has dialled
}

func (s *stem) status() (now status) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), readyWait)
	defer cancel()
	answer, err := stemclient.Ask(ctx, s.home, wire.Request{Verb: wire.Status})
	check(s.t, err)
	defer answer.Conn.Close()
	deadline, _ := ctx.Deadline()
	answer.Conn.SetDeadline(deadline)
	check(s.t, json.NewDecoder(io.MultiReader(bytes.NewReader(answer.Rest),
		answer.Conn)).Decode(&now))
	return now
}

// connections are those to another stem.
func (s *stem) connections(to *stem) (found []peerConn) {
	s.t.Helper()
	for _, c := range s.status().Network.Peers {
		if c.ID == to.id {
			found = append(found, c)
		}
	}
	return found
}

// transports are those of the connections to another stem, as in "relay+quic".
func (s *stem) transports(to *stem) string {
	s.t.Helper()
	var names []string
	for _, c := range s.connections(to) {
		names = append(names, c.Transport)
	}
	return strings.Join(names, "+")
}

// joined waits until the stem is a member of the mesh: it knows others to ask.
func (s *stem) joined() {
	s.t.Helper()
	ok := eventually(s.t.Context(), readyWait, func() bool {
		return s.status().Network.DHT.Peers > 0
	})
	if !ok {
		s.t.Fatalf("%s has not joined the mesh", s.host.Name())
	}
}

// published waits until the stem has told the mesh where it is, in its present life and
// after some moment.
func (s *stem) published(after time.Time) {
	s.t.Helper()
	ok := eventually(s.t.Context(), readyWait, func() bool {
		return s.status().Network.DHT.Published.After(after)
	})
	if !ok {
		s.t.Fatalf("%s has told nobody where it is", s.host.Name())
	}
}

// glance is how often a stem is asked for what it does not tell by itself.
const glance = 10 * time.Millisecond

// eventually says whether something happens within some time.
func eventually(ctx context.Context, within time.Duration, happens func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for !happens() {
		if socket.Pause(ctx, glance) != nil {
			return false
		}
	}
	return true
}
