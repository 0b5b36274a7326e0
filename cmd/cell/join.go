package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/synapse"
)

func joinCommand() *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "join TOKEN [--as PETNAME]",
		Short: "come to know another machine by its invite",
		Long: `Joins with an invite, one word that "cell invite" printed on another machine; - reads it from
stdin, @FILE from a file. Afterwards this machine may reach the cells that the invite names, by
the petname given here; the other machine may reach nothing on this one.`,
		Example: `  cell join cell-invite-1.eyJw… --as server`,
		Args:    exactly("TOKEN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, _, err := secretArg(args[0])
			if err != nil {
				return err
			}
			if text == "-" {
				input, err := readArgument("-", cmd.InOrStdin())
				if err != nil {
					return err
				}
				text = string(input)
			}
			token, err := invite.ParseToken(text)
			if err != nil {
				return misuse(err, `"cell invite" prints one on the other machine`)
			}
			peer, cells, err := join(cmd.Context(), cmd.ErrOrStderr(), token, as)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: %s is %s; you may reach %s there, as in NAME@%s\n", peer.Petname, peer.ID, describeGrant(cells), peer.Petname)
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "call the other machine `PETNAME`")
	return cmd
}

// join proves the invite to the stem that made it, writes that peer's file, and returns
// what may be reached there.
func join(ctx context.Context, stderr io.Writer, token invite.Token,
	as string) (peer peers.Peer, cells peers.Grant, err error) {
	h, identity, err := openHome()
	if err != nil {
		return peer, cells, err
	}
	if token.Peer == identity.ID() {
		return peer, cells, misuse(errors.New("the invite is this machine's own"),
			"join with it on another machine")
	}
	if time.Now().After(token.Deadline()) {
		return peer, cells, hint(fmt.Errorf("the invite expired on %s",
			token.Deadline().Local().Format(time.DateTime)), "ask for another one")
	}
	peer, name, err := nameFor(h, token.Peer, as)
	if err != nil {
		return peer, cells, err
	}
	if err := sameMesh(ctx, token); err != nil {
		return peer, cells, err
	}
	cells, err = prove(ctx, h, token, invite.Proof(token.Secret, token.ID, token.Peer,
		identity.ID()))
	if err != nil {
		return peer, cells, err
	}
	lock, err := peers.Lock(ctx, h)
	if err != nil {
		return peer, cells, err
	}
	defer lock.Unlock()
	peer.At = nil
	for _, addr := range token.At {
		if p, err := address.ParsePeer(addr); err == nil {
			if place, ok := p.Place(); ok {
				peer.At = append(peer.At, place)
			}
		}
	}
	if err := call(stderr, h, &peer, name); err != nil {
		return peer, cells, err
	}
	return peer, cells, reread(ctx, h)
}

// nameFor finds out what the other machine will be called here, before anything is asked of it.
func nameFor(h home.Home, id address.ID, as string) (peer peers.Peer, name address.Petname, err error) {
	if peer, err = findPeer(h, id.String()); err != nil {
		return peer, name, err
	}
	name = peer.Petname
	if as != "" {
		if name, err = address.ParsePetname(as); err != nil {
			return peer, name, misuse(err, "--as takes one word, as in server")
		}
	}
	return peer, name, checkFree(h, name, id)
}

// sameMesh refuses an invite into a mesh that this machine's stem is not in: it would not
// find the other one again.
func sameMesh(ctx context.Context, token invite.Token) error {
	command := "cell up"
	if token.Mesh != "public" {
		command += " --mesh " + token.Mesh
	}
	for _, addr := range append(token.Bootstrap, token.At...) {
		if token.Mesh != "public" && token.Mesh != "none" &&
			!strings.Contains(addr, "/127.0.0.1/") {
			command += " --bootstrap " + addr
			break
		}
	}
	s, err := networkStatus(ctx)
	if errors.Is(err, synapse.ErrNoStem) {
		return hint(err, fmt.Sprintf("start one with %q", command))
	}
	if err != nil {
		return err
	}
	if s.Network.Mesh != token.Mesh {
		return hint(fmt.Errorf("the invite is of the mesh %s, and this stem is in %s", token.Mesh,
			s.Network.Mesh),
			fmt.Sprintf("stop this stem, and run %q", command))
	}
	return nil
}

// prove presents the proof to the cell stem.join there, and reads what may be reached, or
// what became of the invite.
func prove(ctx context.Context, h home.Home, token invite.Token,
	proof string) (peers.Grant, error) {
	to, err := address.Parse("cell://" + token.Peer.String() + "/stem.join?key=" + proof)
	if err != nil {
		return peers.Grant{}, err
	}
	req := wire.Request{Verb: wire.Open, Object: to.String()}
	for _, addr := range token.At { // the best come first; what does not fit in a line is left out
		if pair := [2]string{"at", addr}; len(req.String())+len(addr)+len(" at=") <= wire.MaxLine {
			req.Pairs = append(req.Pairs, pair)
		}
	}
	answer, err := stemclient.Ask(ctx, h, req)
	if err == nil {
		defer answer.Conn.Close()
		answer.Conn.SetDeadline(time.Now().Add(30 * time.Second))
		var told wire.Pairs
		if told, err = wire.ReadVerdictAfter(answer.Rest, answer.Conn); err == nil {
			return peers.ParseGrant(strings.FieldsFunc(told.Get("cells"), func(r rune) bool {
				return r == ','
			}))
		}
	}
	return peers.Grant{}, explainJoin(err, token)
}

// explainJoin puts in words what has become of the invite.
func explainJoin(err error, token invite.Token) error {
	var refusal wire.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	again := `ask for another one`
	switch {
	case refusal.Code == wire.Unreachable:
		return hint(fmt.Errorf("the machine that made the invite can't be reached: %w", err),
			"\"cell up\" must run there, too; the invite is not spent")
	case refusal.Code != wire.Denied:
		return err
	case refusal.Reason == string(invite.Spent):
		return hint(fmt.Errorf("the invite is spent: as many have joined with it as it was for"),
			again)
	case refusal.Reason == string(invite.Expired):
		return hint(fmt.Errorf("the invite has expired"), again)
	case refusal.Reason == string(invite.Revoked):
		return hint(fmt.Errorf("the invite was revoked"), again)
	}
	return hint(fmt.Errorf("%s knows of no such invite", token.Peer), again)
}
