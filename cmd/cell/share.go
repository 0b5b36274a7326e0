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
		Short: "print an address that lets whoever has it reach one cell",
		Long: `Prints an address with a key: whoever has it may reach that one cell of this machine until
the key expires, from a machine that is otherwise a stranger. With --to, only that peer may.
"cell connect @FILE" calls the address in a file, so that no other user of that machine sees it.
The key is signed by this machine and kept nowhere; --revoke takes it back before its time.`,
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
			cell, err := address.ParseName(args[0])
			if err == nil && cell.Reserved() {
				err = fmt.Errorf("%s is the stem's own", cell)
			}
			if err != nil {
				return misuse(err, "NAME is a cell of this machine, as in retina")
			}
			if time.Duration(expires) < time.Second {
				return misuse(fmt.Errorf("%v is no time for a key", time.Duration(expires)),
					"as in --expires 1h")
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
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: good until %s; \"cell share --revoke %s\" takes it back\n",
				key.Expires.Local().Format(time.DateTime), key.Serial)
			tellMissing(cmd.ErrOrStderr(), []address.Name{cell})
			return nil
		},
	}
	cmd.Flags().Var(&expires, "expires", "for how long: `TIME` as in 30m, 24h or 7d")
	cmd.Flags().StringVar(&to, "to", "", "only for this `PEER`")
	cmd.Flags().StringVar(&revoke, "revoke", "",
		"take back a key: its `SERIAL` number, or the address it is in, or @FILE of that")
	return cmd
}

// revokeKey takes a key of this machine back, named by its serial number or by the
// address that it is in.
func revokeKey(cmd *cobra.Command, h home.Home, own address.ID, which string) error {
	which, _, err := secretArg(which)
	if err != nil {
		return err
	}
	unless := ", if this machine issued it: a serial number does not say who did"
	if a, err := address.Parse(which); err == nil && a.Key != "" {
		if which, err = ownKey(a, own); err != nil {
			return err
		}
		unless = ""
	}
	if err := capability.Revoke(cmd.Context(), h, which); err != nil {
		return misuse(err, `"cell share" printed it along with the address`)
	}
	if err := reread(cmd.Context(), h); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "cell: key %s opens nothing any more%s\n", which, unless)
	return nil
}

// ownKey is the serial number of the key in an address, which only its issuer can take back.
func ownKey(a address.Address, own address.ID) (serial string, err error) {
	key, err := capability.Parse(a.Key)
	if err != nil {
		return "", misuse(err, "paste the whole address")
	}
	if issuer, ok := a.Peer.ID(); ok && issuer != own {
		return "", hint(fmt.Errorf("key %s was issued by %s", key.Serial, issuer),
			fmt.Sprintf("revoke it there: \"cell share --revoke %s\"", key.Serial))
	}
	if _, err := capability.Verify(a.Key, own); err != nil {
		return "", hint(err, "paste the whole address, on the machine that issued it")
	}
	return key.Serial, nil
}
