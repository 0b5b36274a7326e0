package stem

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Status is what the stem says of itself, as `cell status --json` prints it.
type Status struct {
	ID   string `json:"id"`
	Home string `json:"home"`
	// Version is that of the program that the stem is.
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	// Cells are the names of those that answer at their sockets.
	Cells []string `json:"cells"`
	// Peers are those with a petname, and what they may reach here.
	Peers []PeerStatus `json:"peers"`
	// Public are the cells that every peer may reach.
	Public []string `json:"public"`
	// Links are the links and forwards that are served.
	Links []LinkStatus `json:"links"`
	// Knocks are those who were refused lately, the last one first.
	Knocks []KnockStatus `json:"knocks"`
	// Problems are files that could not be understood, with the remedy.
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

// KnockStatus is a peer that was refused a cell, and the command that would let it in.
type KnockStatus struct {
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
		Knocks:   []KnockStatus{},
		Problems: []string{},
	}
	for _, cell := range s.Cells.Running() {
		status.Cells = append(status.Cells, cell.String())
	}
	for name, id := range rules.Petnames {
		status.Peers = append(status.Peers, PeerStatus{name.String(), id.String(),
			rules.Grants[id].Words()})
	}
	slices.SortFunc(status.Peers, func(a, b PeerStatus) int {
		return strings.Compare(a.Petname, b.Petname)
	})
	for cell := range rules.Public {
		status.Public = append(status.Public, cell.String())
	}
	slices.Sort(status.Public)
	for _, k := range s.knocks.recent(time.Now()) {
		if gate(rules, Caller{k.Peer}, k.Cell, "", time.Now()) {
			continue // it has been let in since
		}
		who := k.Peer.String()
		if i := slices.IndexFunc(status.Peers,
			func(p PeerStatus) bool { return p.ID == who }); i >= 0 {
			who = status.Peers[i].Petname
		}
		status.Knocks = append(status.Knocks,
			KnockStatus{k.Peer.String(), k.Cell.String(), k.Times, k.Last,
				fmt.Sprintf("cell trust %s --cells %s", who, k.Cell)})
	}
	for _, problem := range append(slices.Clone(rules.Problems), s.links.Problems()...) {
		status.Problems = append(status.Problems, problem.Error())
	}
	if s.Describe != nil {
		status.Network = s.Describe()
	}
	return status
}
