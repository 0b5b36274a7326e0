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
		Short: "name a peer, and let it reach cells of this machine",
		Long: `Lets a peer reach the named cells here, besides those that it may reach already; without
--cells, it only gets a name. PEER is what "cell id" prints there, or its petname. The peer's
file in ~/.cell/peers/ can be edited by hand, too. Holds as soon as the command returns.`,
		Example: `  cell trust 12D3KooW… --as laptop --cells retina,echo`,
		Args:    exactly("PEER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			grant, err := peers.ParseGrant(cells)
			if err != nil {
				return misuse(err, "--cells takes names with commas between them, or '*'")
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
	cmd.Flags().StringVar(&as, "as", "", "call the peer `PETNAME`")
	cmd.Flags().StringSliceVar(&cells, "cells", nil,
		"let it reach these cells, `NAMES` with commas between; '*' is every one")
	return cmd
}

// trust adds to what a peer may reach, and gives it a petname if it has none.
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
		return peers.Peer{}, misuse(errors.New("that is this machine, which needs no leave"),
			`run "cell id" on the other machine`)
	}
	name := peer.Petname
	if as != "" {
		if name, err = address.ParsePetname(as); err != nil {
			return peers.Peer{}, misuse(err, "--as takes one word, as in laptop")
		}
	}
	peer.Cells.Add(more)
	if err := call(stderr, h, &peer, name); err != nil {
		return peers.Peer{}, err
	}
	return peer, reread(ctx, h)
}

// tellMissing says which of the cells that somebody may reach are not here. They may come
// yet, or be misspelt.
func tellMissing(w io.Writer, names []address.Name) {
	h, err := home.Default()
	if err != nil {
		return
	}
	here := cellNames(h)
	for _, name := range names {
		if !slices.Contains(here, name.String()) {
			fmt.Fprintf(w, "cell: there is no cell %s here yet; \"cell ls\" lists those that there are\n", name)
		}
	}
}

// call writes the peer's file under a petname, which must not be another peer's, and says
// so if that is another than it had: the one that it had is nobody's any more.
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
	fmt.Fprintf(stderr, "cell: %s is %s, and no more %s\n", name, peer.ID, was)
	return nil
}

// checkFree refuses a petname that is another peer's, or whose file can't be read: it may
// be another peer's.
func checkFree(h home.Home, name address.Petname, id address.ID) error {
	taken, err := peers.Read(h.Peer(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return hint(err, "mend or remove that file first")
	case taken.ID != id:
		return hint(fmt.Errorf("%s is another peer's petname: %s", name, taken.ID),
			"choose another one")
	}
	return nil
}

// findPeer returns the peer of an ID or a petname. One who has no file yet gets a petname
// made of the end of its ID.
func findPeer(h home.Home, who string) (peers.Peer, error) {
	to, err := address.ParsePeer(who)
	id, isID := to.ID()
	name, isName := to.Petname()
	if err == nil && !isID && !isName {
		err = fmt.Errorf("%q is neither a peer ID nor a petname", who)
	}
	if err != nil {
		return peers.Peer{}, misuse(err, `PEER is what "cell id" prints on the other machine, or your name for it`)
	}
	all, problems := peers.ReadAll(h) // `cell status` reports bad files
	for _, peer := range all {
		if peer.ID == id || peer.Petname == name && isName {
			return peer, nil
		}
	}
	for _, problem := range problems {
		if isName && strings.HasPrefix(problem.Error(), h.Peer(name)+":") {
			return peers.Peer{}, hint(problem, "mend or remove that file first")
		}
	}
	if isName {
		return peers.Peer{}, hint(fmt.Errorf("no peer is called %s", name),
			`"cell peers" lists the names you have given; any other peer goes by its whole ID, which "cell id" prints there`)
	}
	return peers.Unnamed(id)
}

// editPeer changes the file of a peer that has one, and returns when the running stem, if
// there is one, uses it.
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

// knownPeer is findPeer for one who has a file.
func knownPeer(h home.Home, who string) (peers.Peer, error) {
	peer, err := findPeer(h, who)
	if err != nil {
		return peers.Peer{}, err
	}
	if _, err := peers.Read(h.Peer(peer.Petname)); err != nil {
		return peers.Peer{}, hint(fmt.Errorf("%s is not trusted with anything", who),
			`"cell peers" lists those who are`)
	}
	return peer, nil
}

// reread returns when the running stem, if there is one, uses the files as they are.
func reread(ctx context.Context, h home.Home) error {
	answer, err := stemclient.Ask(ctx, h, wire.Request{Verb: wire.Reread})
	if errors.Is(err, stemclient.ErrNoStem) {
		return nil // the next one will
	}
	if err != nil {
		return fmt.Errorf("the file is written, but the stem did not reread it: %w", err)
	}
	return answer.Conn.Close()
}

func describeGrant(g peers.Grant) string {
	switch {
	case g.Any:
		return "every cell"
	case len(g.Names) == 0:
		return "no cell"
	}
	return strings.Join(g.Words(), ", ")
}
