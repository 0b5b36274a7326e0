package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/capability"
	"github.com/cell-mesh/cell/internal/home"
)

func shareCommand() *cobra.Command {
	expires := days(time.Hour)
	var to, revoke string
	cmd := &cobra.Command{
		Use:   "share NAME [--expires 1h] [--to PEER] | --revoke SERIAL",
		Short: "print an address that lets its holder reach one cell",
		Long: `Prints an address with a key. Anyone who has the address may reach this one
cell, from any machine, until the key expires. With --to, only that peer may.

The key is signed by this machine and is not stored; --revoke ends it early. To
hide the key from other users of the calling machine, put the address into a file
there and call it with "cell connect @FILE".`,
		Example: `  cell share retina --expires 1h`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("revoke") {
				return exactly()(cmd, args)
			}
			return exactly("NAME")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			h, identity, err := openHome()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("revoke") {
				return revokeKey(cmd, h, identity.ID(), revoke)
			}
			cell, err := ownName(args[0])
			if err != nil {
				return err
			}
			if time.Duration(expires) < time.Second {
				return misuse(fmt.Errorf("--expires %v: must be at least 1s",
					time.Duration(expires)), "for example: --expires 1h")
			}
			key := capability.Key{Serial: capability.NewSerial(), Cell: cell,
				Expires: time.Now().Add(time.Duration(expires))}
			if to != "" {
				peer, err := findPeer(h, to)
				if err != nil {
					return err
				}
				key.To = peer.ID
			}
			text, err := capability.Sign(key, identity.Sign)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), address.Address{Cell: cell,
				Peer: address.PeerOf(identity.ID()), Key: text}.URL())
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: valid until %s; \"cell share --revoke %s\" "+
				"revokes it\n", key.Expires.Local().Format(time.DateTime), key.Serial)
			tellMissing(cmd.ErrOrStderr(), []address.Name{cell})
			return nil
		},
	}
	cmd.Flags().Var(&expires, "expires", "valid for `TIME`, such as 30m or 7d")
	cmd.Flags().StringVar(&to, "to", "", "only this `PEER` may use it")
	cmd.Flags().StringVar(&revoke, "revoke", "",
		"revoke a key by `SERIAL`, address or @FILE")
	return cmd
}

// revokeKey revokes a key of this machine, named by its serial number or by its address.
func revokeKey(cmd *cobra.Command, h home.Home, own address.ID, which string) error {
	which, _, err := secretArg(which)
	if err != nil {
		return err
	}
	unless := ", if this machine issued it; a serial number does not tell"
	if a, err := address.Parse(which); err == nil && a.Key != "" {
		if which, err = ownKey(a, own); err != nil {
			return err
		}
		unless = ""
	}
	if err := capability.Revoke(cmd.Context(), h, which); err != nil {
		return misuse(err, `"cell share" printed the serial number with the address`)
	}
	if err := reread(cmd.Context(), h); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "cell: revoked key %s%s\n", which, unless)
	return nil
}

// ownKey returns the serial number of the key in an address. Only its issuer can revoke it.
func ownKey(a address.Address, own address.ID) (serial string, err error) {
	key, err := capability.Parse(a.Key)
	if err != nil {
		return "", misuse(err, "copy the whole address")
	}
	if issuer, ok := a.Peer.ID(); ok && issuer != own {
		return "", hint(fmt.Errorf("key %s was issued by %s", key.Serial, issuer),
			fmt.Sprintf("revoke it there: \"cell share --revoke %s\"", key.Serial))
	}
	if _, err := capability.Verify(a.Key, own); err != nil {
		return "", hint(err, "copy the whole address, and revoke it on the machine that issued it")
	}
	return key.Serial, nil
}
