package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/stem"
)

// Status is the status of a stem and its network.
type Status struct {
	stem.Status
	Network node.Status `json:"network"`
}

// askTimeout bounds Ask.
const askTimeout = 10 * time.Second

// Ask asks the node's stem for its status. It returns stemclient.ErrNoStem if none runs.
func (n Node) Ask(ctx context.Context) (s Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := stemclient.Ask(ctx, n.Home, wire.Request{Verb: wire.Status})
	if err != nil {
		return s, err
	}
	defer answer.Conn.Close()
	defer context.AfterFunc(ctx, func() { answer.Conn.SetDeadline(time.Unix(1, 0)) })()
	more, err := io.ReadAll(answer.Conn)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(append(answer.Rest, more...), &s); err != nil {
		return s, fmt.Errorf("the status of %s is not JSON: %w", n.Name, err)
	}
	return s, nil
}

// State is the state of a node.
type State struct {
	Name string `json:"name"`
	// ID is the peer ID, or empty if the node has no key yet.
	ID   string `json:"id"`
	Home string `json:"home"`
	// PID is the stem's, or 0 if none answers.
	PID int `json:"pid"`
	// Addrs are the multiaddrs of the stem, and Cells the cells that run.
	Addrs []string `json:"addrs"`
	Cells []string `json:"cells"`
}

// States returns the states of all nodes.
func (n *Net) States(ctx context.Context) ([]State, error) {
	states := make([]State, len(n.Nodes))
	for i, each := range n.Nodes {
		states[i] = State{Name: each.Name, Home: each.Home.String(), Addrs: []string{},
			Cells: []string{}}
		if _, err := os.Stat(each.Home.IdentityKey()); errors.Is(err, fs.ErrNotExist) {
			continue // LoadIdentity would create it
		}
		identity, err := node.LoadIdentity(each.Home.IdentityKey())
		if err != nil {
			return nil, err
		}
		states[i].ID = identity.ID().String()
	}
	var group sync.WaitGroup
	for i, each := range n.Nodes {
		group.Go(func() {
			if s, err := each.Ask(ctx); err == nil {
				states[i].PID, states[i].ID = s.PID, s.Network.ID
				states[i].Addrs, states[i].Cells = s.Network.Addrs, s.Cells
			}
		})
	}
	group.Wait()
	return states, ctx.Err()
}
