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
		Short: "accept an invite from another machine",
		Long: `Accepts an invite that "cell invite" printed on another machine. TOKEN is the
invite, - to read it from stdin, or @FILE to read it from a file.

Afterwards this machine may reach the cells named in the invite, by the petname
given with --as. The other machine may reach nothing here.`,
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
				return misuse(err, `run "cell invite" on the other machine to get one`)
			}
			peer, cells, err := join(cmd.Context(), cmd.ErrOrStderr(), token, as)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: joined %s (%s); "+
				"you may reach %s there, as NAME@%s\n", peer.Petname, peer.ID, describeGrant(cells),
				peer.Petname)
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "`PETNAME` for the other machine")
	return cmd
}

// join presents the invite to the stem that issued it, writes that peer's file, and returns
// the cells that may be reached there.
func join(ctx context.Context, stderr io.Writer, token invite.Token,
	as string) (peer peers.Peer, cells peers.Grant, err error) {
	h, identity, err := openHome()
	if err != nil {
		return peer, cells, err
	}
	if token.Peer == identity.ID() {
		return peer, cells, misuse(errors.New("this machine issued the invite itself"),
			"run \"cell join\" on the other machine")
	}
	if time.Now().After(token.Deadline()) {
		return peer, cells, hint(fmt.Errorf("the invite expired on %s",
			token.Deadline().Local().Format(time.DateTime)), askNew)
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

// nameFor chooses the petname of the other machine, before contacting it.
func nameFor(h home.Home, id address.ID,
	as string) (peer peers.Peer, name address.Petname, err error) {
	if peer, err = findPeer(h, id.String()); err != nil {
		return peer, name, err
	}
	name = peer.Petname
	if as != "" {
		if name, err = address.ParsePetname(as); err != nil {
			return peer, name, misuse(err, asHint)
		}
	}
	return peer, name, checkFree(h, name, id)
}

// sameMesh refuses an invite from a mesh that this machine's stem is not in: the stem could
// not find the other one later.
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
	s, err := stemStatus(ctx)
	if errors.Is(err, synapse.ErrNoStem) {
		return hint(err, fmt.Sprintf("start one with %q", command))
	}
	if err != nil {
		return err
	}
	if s.Network.Mesh != token.Mesh {
		return hint(fmt.Errorf("the invite is for mesh %s, but this stem is in mesh %s", token.Mesh,
			s.Network.Mesh), fmt.Sprintf("stop this stem and run %q", command))
	}
	return nil
}

// prove sends the proof to the cell stem.join of the other machine, and reads which cells
// may be reached, or why the invite was refused.
func prove(ctx context.Context, h home.Home, token invite.Token,
	proof string) (peers.Grant, error) {
	to, err := address.Parse("cell://" + token.Peer.String() + "/stem.join?key=" + proof)
	if err != nil {
		return peers.Grant{}, err
	}
	req := wire.Request{Verb: wire.Open, Object: to.String()}
	for _, addr := range token.At { // best first; leave out what does not fit
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

// explainJoin says why an invite was refused.
func explainJoin(err error, token invite.Token) error {
	var refusal wire.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	switch {
	case refusal.Code == wire.Unreachable:
		return hint(fmt.Errorf("can't reach the machine that issued the invite: %w", err),
			"check that \"cell up\" runs there and try again: the invite is still valid")
	case refusal.Code != wire.Denied:
		return err
	case refusal.Reason == string(invite.Spent):
		return hint(errors.New("the invite is spent: no more machines can join with it"), askNew)
	case refusal.Reason == string(invite.Expired):
		return hint(errors.New("the invite has expired"), askNew)
	case refusal.Reason == string(invite.Revoked):
		return hint(errors.New("the invite was revoked"), askNew)
	}
	return hint(fmt.Errorf("%s has no such invite", token.Peer), askNew)
}

const askNew = "ask for a new invite"
