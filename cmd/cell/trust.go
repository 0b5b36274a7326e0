package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
)

func trustCommand() *cobra.Command {
	var as string
	var cells []string
	cmd := &cobra.Command{
		Use:   "trust PEER [--as PETNAME] [--cells a,b|'*']",
		Short: "name a peer, and let it reach cells here",
		Long: `Lets a peer reach the cells in --cells on this machine, in addition to those
that it may already reach. Without --cells, it only gets a petname. PEER is the
ID that "cell id" prints on the other machine, or the petname you gave it.

The change takes effect at once. You can also edit the file in ~/.cell/peers/.`,
		Example: `  cell trust 12D3KooW… --as laptop --cells retina,echo`,
		Args:    exactly("PEER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			grant, err := peers.ParseGrant(cells)
			if err != nil {
				return misuse(err, cellsHint)
			}
			peer, err := trust(cmd.Context(), cmd.ErrOrStderr(), args[0], as, grant)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: %s may reach %s here\n", peer.Petname,
				describeGrant(peer.Cells))
			tellMissing(cmd.ErrOrStderr(), grant.Names)
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "`PETNAME` for the peer")
	cmd.Flags().StringSliceVar(&cells, "cells", nil,
		"let it reach these cells: `NAMES`, or '*' for all")
	return cmd
}

// trust lets a peer reach more cells, and gives it a petname if it has none.
func trust(ctx context.Context, stderr io.Writer, who, as string,
	more peers.Grant) (peers.Peer, error) {
	h, identity, err := openHome()
	if err != nil {
		return peers.Peer{}, err
	}
	lock, err := peers.Lock(ctx, h)
	if err != nil {
		return peers.Peer{}, err
	}
	defer lock.Unlock()
	peer, err := findPeer(h, who)
	if err != nil {
		return peers.Peer{}, err
	}
	if peer.ID == identity.ID() {
		return peers.Peer{}, misuse(errors.New("this machine's own ID needs no permission"),
			`run "cell id" on the other machine`)
	}
	name := peer.Petname
	if as != "" {
		if name, err = address.ParsePetname(as); err != nil {
			return peers.Peer{}, misuse(err, asHint)
		}
	}
	peer.Cells.Add(more)
	if err := call(stderr, h, &peer, name); err != nil {
		return peers.Peer{}, err
	}
	return peer, reread(ctx, h)
}

// tellMissing warns about cells that don't exist here: they may come later, or be misspelt.
func tellMissing(w io.Writer, names []address.Name) {
	h, err := home.Default()
	if err != nil {
		return
	}
	here := cellNames(h)
	for _, name := range names {
		if !slices.Contains(here, name.String()) {
			fmt.Fprintf(w, "cell: warning: there is no cell %s here yet; "+
				"\"cell ls\" lists the cells\n", name)
		}
	}
}

// call writes the peer's file under a petname, which must not be another peer's. If the
// peer had another petname, call removes that and reports the change.
func call(stderr io.Writer, h home.Home, peer *peers.Peer, name address.Petname) error {
	if err := checkFree(h, name, peer.ID); err != nil {
		return err
	}
	was := peer.Petname
	_, err := os.Stat(h.Peer(was))
	had := err == nil
	peer.Petname = name
	if err := peers.Write(h, *peer); err != nil || was == name || !had {
		return err
	}
	if err := peers.Remove(h, was); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "cell: renamed %s to %s (%s)\n", was, name, peer.ID)
	return nil
}

// checkFree refuses a petname that another peer has, or whose file can't be read.
func checkFree(h home.Home, name address.Petname, id address.ID) error {
	taken, err := peers.Read(h.Peer(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return hint(err, "fix or remove that file first")
	case taken.ID != id:
		return hint(fmt.Errorf("the petname %s belongs to another peer: %s", name, taken.ID),
			"choose another one")
	}
	return nil
}

// findPeer returns the peer with an ID or a petname. A peer without a file gets a petname
// made from the end of its ID.
func findPeer(h home.Home, who string) (peers.Peer, error) {
	to, err := address.ParsePeer(who)
	id, isID := to.ID()
	name, isName := to.Petname()
	if err == nil && !isID && !isName {
		err = fmt.Errorf("%q is neither a peer ID nor a petname", who)
	}
	if err != nil {
		return peers.Peer{}, misuse(err,
			`PEER is what "cell id" prints on the other machine, or its petname`)
	}
	all, problems := peers.ReadAll(h) // `cell status` reports bad files
	for _, peer := range all {
		if peer.ID == id || peer.Petname == name && isName {
			return peer, nil
		}
	}
	for _, problem := range problems {
		if isName && strings.HasPrefix(problem.Error(), h.Peer(name)+":") {
			return peers.Peer{}, hint(problem, "fix or remove that file first")
		}
	}
	if isName {
		return peers.Peer{}, hint(fmt.Errorf("no peer is called %s", name),
			`"cell peers" lists the petnames; for a new peer, use the ID that "cell id" prints there`)
	}
	return peers.Unnamed(id)
}

// editPeer changes the file of a known peer, and has the running stem, if any, reread it.
func editPeer(ctx context.Context, who string, edit func(home.Home, peers.Peer) error) error {
	h, _, err := openHome()
	if err != nil {
		return err
	}
	lock, err := peers.Lock(ctx, h)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	peer, err := knownPeer(h, who)
	if err != nil {
		return err
	}
	if err := edit(h, peer); err != nil {
		return err
	}
	return reread(ctx, h)
}

// knownPeer is findPeer for a peer that has a file.
func knownPeer(h home.Home, who string) (peers.Peer, error) {
	peer, err := findPeer(h, who)
	if err != nil {
		return peers.Peer{}, err
	}
	if _, err := peers.Read(h.Peer(peer.Petname)); err != nil {
		return peers.Peer{}, hint(fmt.Errorf("%s is not one of your peers", who),
			`"cell peers" lists them`)
	}
	return peer, nil
}

// reread has the running stem, if any, reread its files, and returns when it has.
func reread(ctx context.Context, h home.Home) error {
	answer, err := stemclient.Ask(ctx, h, wire.Request{Verb: wire.Reread})
	if errors.Is(err, stemclient.ErrNoStem) {
		return nil // the next stem reads them
	}
	if err != nil {
		return fmt.Errorf("the change is saved, but the stem did not reread it: %w", err)
	}
	return answer.Conn.Close()
}

// Hints for flags that several commands have.
const (
	cellsHint = "--cells takes names separated by commas, or '*'"
	asHint    = "--as takes one word, such as laptop"
)

func describeGrant(g peers.Grant) string {
	switch {
	case g.Any:
		return "every cell"
	case len(g.Names) == 0:
		return "no cell"
	}
	return strings.Join(g.Words(), ", ")
}
