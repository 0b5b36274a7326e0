package main

import (
	"context"
	"encoding/json"
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
	"github.com/cell-mesh/cell/synapse"
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
		Use:   "invite [--cells a,b] [--uses N] [--expires 24h] [--as PETNAME] [--qr] | --revoke ID",
		Short: "print one word that lets another machine join",
		Long: `Prints an invite: one word to paste into "cell join" on another machine. Afterwards each
machine is in the other's peers, and the other one may reach the cells named here; it gets
nothing else, and this machine gets nothing there. Whoever has the word can use it until it is
spent, so send it by a way that you trust.`,
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
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: invite %s: reach %s here, for %d to join until %s; \"cell invite --revoke %s\" takes it back\n",
				i.ID, describeGrant(i.Cells), i.Uses, i.Expires.Local().Format(time.DateTime), i.ID)
			tellMissing(cmd.ErrOrStderr(), i.Cells.Names)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&opts.cells, "cells", nil,
		"let those who join reach these cells, `NAMES` with commas between; '*' is every one")
	f.IntVar(&opts.uses, "uses", 1, "let `N` machines join with it")
	f.Var(&opts.expires, "expires", "for how long: `TIME` as in 30m, 24h or 7d")
	f.StringVar(&opts.as, "as", "", "call the one who joins `PETNAME`, unless it has a name here that you gave it")
	f.BoolVar(&opts.qr, "qr", false, "draw it in the terminal as well")
	f.StringVar(&opts.revoke, "revoke", "", "take back the invite with this `ID`, as \"cell invites\" shows it")
	return cmd
}

func newInvite(cells []string, uses int, expires time.Duration, as string) (invite.Invite, error) {
	grant, err := peers.ParseGrant(cells)
	if err != nil {
		return invite.Invite{}, misuse(err, "--cells takes names with commas between them, or '*'")
	}
	if uses < 1 || expires <= 0 {
		return invite.Invite{}, misuse(errors.New("an invite needs at least one use and some time"),
			"as in --uses 1 --expires 24h")
	}
	var name address.Petname
	if as != "" {
		if name, err = address.ParsePetname(as); err != nil {
			return invite.Invite{}, misuse(err, "--as takes one word, as in laptop")
		}
	}
	return invite.New(grant, uses, time.Now().Add(expires), name), nil
}

// maxTokenAddrs keeps a token short enough to paste, and the joiner's request in its
// line; so many of them may be relayed ones.
const (
	maxTokenAddrs   = 12
	maxTokenRelayed = 4
)

// tokenAddrs chooses the first addresses, and among them relayed ones, which come last:
// behind a router, they are those that work.
func tokenAddrs(addrs []string) []string {
	isDirect := func(addr string) bool { return !strings.Contains(addr, "/p2p-circuit") }
	relayed := slices.DeleteFunc(slices.Clone(addrs), isDirect)
	relayed = relayed[:min(len(relayed), maxTokenRelayed)]
	direct := slices.DeleteFunc(slices.Clone(addrs), func(addr string) bool {
		return !isDirect(addr)
	})
	return append(direct[:min(len(direct), maxTokenAddrs-len(relayed))], relayed...)
}

// tokenOf puts into the invite's token where the running stem can be reached.
func tokenOf(ctx context.Context, i invite.Invite) (invite.Token, error) {
	s, err := networkStatus(ctx)
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
			if s.Network.Mesh != "public" { // those of the public mesh are built in
				token.Bootstrap = append(token.Bootstrap, addr+"/p2p/"+b.ID)
			}
		}
	}
	return token, nil
}

// networkStatus asks the running stem where and in which mesh it is.
func networkStatus(ctx context.Context) (s fullStatus, err error) {
	raw, err := askStatus(ctx)
	if errors.Is(err, synapse.ErrNoStem) {
		return s, hint(err, `start one with "cell up"`)
	}
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(raw, &s)
}

func revokeInvite(cmd *cobra.Command, h home.Home, id string) error {
	err := invite.Edit(cmd.Context(), h, id, func(i *invite.Invite) error {
		i.Revoked = true
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return hint(fmt.Errorf("there is no invite %q", id),
			`"cell invites" lists those that there are`)
	}
	if err != nil {
		return err
	}
	if err := reread(cmd.Context(), h); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "cell: nobody can join with invite %s any more\n", id)
	return nil
}
