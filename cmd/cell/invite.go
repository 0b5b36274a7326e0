package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/mdp/qrterminal/v3"
	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/peers"
)

func inviteCommand() *cobra.Command {
	var opts struct {
		cells   []string
		uses    int
		expires days
		as      string
		qr      bool
		revoke  string
	}
	opts.expires = days(24 * time.Hour)
	cmd := &cobra.Command{
		Use:   "invite [--cells a,b] [--as PETNAME] | --revoke ID",
		Short: "print an invite for another machine",
		Long: `Prints an invite: one word to paste into "cell join" on another machine. After
that, each machine knows the other as a peer, and the other one may reach the
cells in --cells here, and nothing else. This machine may reach nothing there.

Anyone who has the invite can use it, so send it over a channel that you trust.`,
		Example: `  cell invite --cells retina --as laptop`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, _, err := openHome()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("revoke") {
				return revokeInvite(cmd, h, opts.revoke)
			}
			i, err := newInvite(opts.cells, opts.uses, time.Duration(opts.expires), opts.as)
			if err != nil {
				return err
			}
			token, err := tokenOf(cmd.Context(), i)
			if err != nil {
				return err
			}
			if err := invite.Write(h, i); err != nil {
				return err
			}
			if err := reread(cmd.Context(), h); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), token)
			if opts.qr {
				qrterminal.GenerateHalfBlock(token.String(), qrterminal.L, cmd.ErrOrStderr())
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: invite %s lets %s reach %s here, until %s; "+
				"\"cell invite --revoke %s\" revokes it\n", i.ID, count(i.Uses, "machine"),
				describeGrant(i.Cells), i.Expires.Local().Format(time.DateTime), i.ID)
			tellMissing(cmd.ErrOrStderr(), i.Cells.Names)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&opts.cells, "cells", nil,
		"let it reach these cells: `NAMES`, or '*' for all")
	f.IntVar(&opts.uses, "uses", 1, "let `N` machines join")
	f.Var(&opts.expires, "expires", "valid for `TIME`, such as 30m or 7d")
	f.StringVar(&opts.as, "as", "", "`PETNAME` for the other machine, if it has none")
	f.BoolVar(&opts.qr, "qr", false, "also show it as a QR code")
	f.StringVar(&opts.revoke, "revoke", "", "revoke an invite by its `ID` from \"cell invites\"")
	return cmd
}

func newInvite(cells []string, uses int, expires time.Duration, as string) (invite.Invite, error) {
	grant, err := peers.ParseGrant(cells)
	if err != nil {
		return invite.Invite{}, misuse(err, cellsHint)
	}
	if uses < 1 || expires <= 0 {
		return invite.Invite{}, misuse(errors.New("--uses and --expires must be positive"),
			"for example: --uses 1 --expires 24h")
	}
	var name address.Petname
	if as != "" {
		if name, err = address.ParsePetname(as); err != nil {
			return invite.Invite{}, misuse(err, asHint)
		}
	}
	return invite.New(grant, uses, time.Now().Add(expires), name), nil
}

// maxTokenAddrs keeps a token short enough to paste, and the request to join within the
// length of a line. maxTokenRelayed of the addresses may be relayed ones.
const (
	maxTokenAddrs   = 12
	maxTokenRelayed = 4
)

// tokenAddrs chooses the first direct addresses and the first relayed ones. Behind a router,
// only the relayed ones work.
func tokenAddrs(addrs []string) []string {
	isDirect := func(addr string) bool { return !strings.Contains(addr, "/p2p-circuit") }
	relayed := slices.DeleteFunc(slices.Clone(addrs), isDirect)
	relayed = relayed[:min(len(relayed), maxTokenRelayed)]
	isRelayed := func(addr string) bool { return !isDirect(addr) }
	direct := slices.DeleteFunc(slices.Clone(addrs), isRelayed)
	return append(direct[:min(len(direct), maxTokenAddrs-len(relayed))], relayed...)
}

// tokenOf makes the token of an invite, with the addresses of the running stem.
func tokenOf(ctx context.Context, i invite.Invite) (invite.Token, error) {
	s, err := stemStatus(ctx)
	if err != nil {
		return invite.Token{}, err
	}
	id, err := address.ParseID(s.ID)
	if err != nil {
		return invite.Token{}, err
	}
	token := invite.Token{Peer: id, At: tokenAddrs(s.Network.Addrs), Mesh: s.Network.Mesh, ID: i.ID,
		Secret: i.Secret, Expires: i.Expires.Unix()}
	for _, b := range s.Network.Bootstrap {
		for _, addr := range b.Addrs {
			if s.Network.Mesh != "public" { // the public mesh has built-in ones
				token.Bootstrap = append(token.Bootstrap, addr+"/p2p/"+b.ID)
			}
		}
	}
	return token, nil
}

func revokeInvite(cmd *cobra.Command, h home.Home, id string) error {
	err := invite.Edit(cmd.Context(), h, id, func(i *invite.Invite) error {
		i.Revoked = true
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return hint(fmt.Errorf("there is no invite %q", id), `"cell invites" lists the invites`)
	}
	if err != nil {
		return err
	}
	if err := reread(cmd.Context(), h); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "cell: revoked invite %s\n", id)
	return nil
}
