package stem

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cell-mesh/cell/stem/gate"
)

// Status is what `cell status --json` prints. No list in it is null.
type Status struct {
	ID   string `json:"id"`
	Home string `json:"home"`
	// Version is that of the stem's program.
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	// Cells are the names of the cells that run.
	Cells []string `json:"cells"`
	// Peers are the peers with a petname, and what they may reach here.
	Peers []PeerStatus `json:"peers"`
	// Public are the cells that every peer may reach.
	Public []string `json:"public"`
	// Links are the links and forwards being served.
	Links []LinkStatus `json:"links"`
	// Denied are the peers that were denied a cell lately, the last one first.
	Denied []DeniedStatus `json:"knocks"`
	// Problems are files with errors, and the remedy.
	Problems []string `json:"problems"`
	// Network is what the network says of itself.
	Network any `json:"network,omitempty"`
}

// PeerStatus is one peer with a petname.
type PeerStatus struct {
	Petname string   `json:"petname"`
	ID      string   `json:"id"`
	Cells   []string `json:"cells"`
}

// DeniedStatus is a peer that was denied a cell, and the command that would let it in.
type DeniedStatus struct {
	Peer  string    `json:"peer"`
	Cell  string    `json:"cell"`
	Times int       `json:"times"`
	Last  time.Time `json:"last"`
	Allow string    `json:"allow"`
}

func (s *Stem) status() Status {
	rules := s.Policy.Rules()
	status := Status{
		ID:       s.Network.ID().String(),
		Home:     s.Home.String(),
		Version:  s.Version,
		PID:      os.Getpid(),
		Since:    s.since,
		Cells:    []string{},
		Peers:    []PeerStatus{},
		Public:   []string{},
		Links:    s.linkStatus(),
		Denied:   []DeniedStatus{},
		Problems: []string{},
	}
	for _, cell := range s.Cells.Running() {
		status.Cells = append(status.Cells, cell.String())
	}
	petnames := map[string]string{}
	for name, id := range rules.Petnames {
		status.Peers = append(status.Peers, PeerStatus{name.String(), id.String(),
			rules.Grants[id].Words()})
		petnames[id.String()] = name.String()
	}
	slices.SortFunc(status.Peers, func(a, b PeerStatus) int {
		return strings.Compare(a.Petname, b.Petname)
	})
	for cell := range rules.Public {
		status.Public = append(status.Public, cell.String())
	}
	slices.Sort(status.Public)
	for _, d := range s.denials.recent(time.Now()) {
		if gate.Allow(rules, gate.Caller{Peer: d.peer}, d.cell, "", time.Now()) {
			continue // allowed since
		}
		peer := d.peer.String()
		who := peer
		if name := petnames[peer]; name != "" {
			who = name
		}
		status.Denied = append(status.Denied, DeniedStatus{peer, d.cell.String(), d.times, d.last,
			fmt.Sprintf("cell trust %s --cells %s", who, d.cell)})
	}
	for _, problem := range slices.Concat(rules.Problems, s.links.Problems()) {
		status.Problems = append(status.Problems, problem.Error())
	}
	if s.Describe != nil {
		status.Network = s.Describe()
	}
	return status
}
