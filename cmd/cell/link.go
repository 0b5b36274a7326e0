package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/links"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
)

func linkCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "link ADDRESS [--keep]",
		Short: "make a local socket that leads to a cell on a peer",
		Long: `Creates a Unix socket that leads to a cell on a peer, and prints its path: any
program that can connect to a socket can then call the cell. Each connection is
one call. If a call is refused, the connection is closed, and "cell status" says
why. Only programs of your own user can connect.

The link lasts until the stem ends or, with --keep, until "cell unlink".`,
		Example: `  curl --unix-socket $(cell link web@laptop) http://web/`,
		Args:    exactly("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := parseAddress(args[0], "an address is NAME@PEER, such as web@laptop")
			if err != nil {
				return err
			}
			h, err := home.Default()
			if err != nil {
				return err
			}
			at, err := links.Link(to)
			switch {
			case err != nil && to.Peer.IsLocal():
				path, _ := h.Socket(to.Cell)
				return misuse(fmt.Errorf("link %s: %w", to.Cell, err),
					fmt.Sprintf("while the cell runs, connect to %s", path))
			case err != nil:
				return misuse(fmt.Errorf("link %s: %w", shown(to), err),
					`"cell trust ID --as PETNAME" gives the peer a petname`)
			}
			return serve(cmd, h, at, to, keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the link when the stem restarts")
	return cmd
}

func forwardCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "forward [LISTEN] ADDRESS [--keep]",
		Short: "forward a local port or socket to a cell",
		Long: `Listens at LISTEN and forwards each connection to a cell. LISTEN is a port on
127.0.0.1, IP:PORT, or the path of a Unix socket; by default, a free port on
127.0.0.1. Prints where it listens. If a call is refused or cut, the connection
is reset, and "cell status" says why.

All users of this machine can connect to a port, and then call in your name;
only you can connect to a socket. Other machines can connect unless IP is
loopback.

The forward lasts until the stem ends or, with --keep, until "cell unlink".`,
		Example: `  cell forward 5432 db@laptop && psql -h 127.0.0.1`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return exactly("LISTEN", "ADDRESS")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := home.Default()
			if err != nil {
				return err
			}
			at := links.Free
			if len(args) == 2 {
				if at, err = listenAt(h, args[0]); err != nil {
					return misuse(err, "for example: cell forward 127.0.0.1:5432 db@laptop")
				}
			}
			to, err := parseAddress(args[len(args)-1], "an address is NAME@PEER, such as db@laptop")
			if err != nil {
				return err
			}
			// a cell may have a number as its name, but this is probably a port
			if _, err := links.ParseListen(args[0]); err == nil && len(args) == 1 &&
				to.Peer.IsLocal() {
				return misuse(fmt.Errorf("%s is where to listen, but the ADDRESS is missing",
					args[0]),
					fmt.Sprintf("for example: cell forward %s db@laptop", args[0]))
			}
			if err := serve(cmd, h, at, to, keep); err != nil || !at.Exposed() {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: warning: other machines can connect to %s "+
				"and call %s in your name\n", at, shown(to))
			return nil
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the forward when the stem restarts")
	return cmd
}

// listenAt reads LISTEN, whose path may be relative to the current directory.
func listenAt(h home.Home, text string) (links.Listen, error) {
	if path := strings.TrimPrefix(text, "unix:"); strings.Contains(path, "/") {
		abs, err := filepath.Abs(path)
		if err != nil {
			return links.Listen{}, err
		}
		text = abs
	}
	return links.Of(h, text)
}

// serve has the stem serve a link or forward, and prints where it listens.
func serve(cmd *cobra.Command, h home.Home, at links.Listen, to address.Address, keep bool) error {
	where, err := askLink(cmd.Context(), h, at, to)
	if err != nil {
		return hint(fmt.Errorf("%s %s: %w", cmd.Name(), shown(to), err), linkHint(err, to))
	}
	if keep {
		if at, err = links.Of(h, where); err == nil {
			err = links.Keep(cmd.Context(), h, at, to)
		}
		if err == nil {
			err = reread(cmd.Context(), h)
		}
		if err != nil {
			return fmt.Errorf("%s leads to %s now, but can't be kept: %w", where, shown(to), err)
		}
	}
	fmt.Fprintln(cmd.OutOrStdout(), where)
	return nil
}

// askLink asks the stem for a link or forward, and returns where it listens.
func askLink(ctx context.Context, h home.Home, at links.Listen,
	to address.Address) (where string, err error) {
	answer, err := stemclient.Ask(ctx, h, wire.Request{Verb: wire.Link, Object: to.URL(),
		Pairs: wire.Pairs{{"at", at.String()}}})
	if err != nil {
		return "", err
	}
	defer answer.Conn.Close()
	answer.Conn.SetDeadline(time.Now().Add(10 * time.Second))
	lines := bufio.NewReader(io.MultiReader(bytes.NewReader(answer.Rest), answer.Conn))
	if where, err = lines.ReadString('\n'); err != nil {
		return "", fmt.Errorf("the stem did not say where it listens: %w", err)
	}
	return strings.TrimSuffix(where, "\n"), nil
}

func linkHint(err error, to address.Address) string {
	switch {
	case errors.Is(err, stemclient.ErrNoStem):
		return startStem
	case errors.Is(err, wire.Unreachable):
		return dialHint(err, to)
	}
	return ""
}

// shown is an address without its key.
func shown(to address.Address) address.Address {
	to.Key = ""
	return to
}

func unlinkCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "unlink ADDRESS|LISTEN",
		Aliases: []string{"unforward"},
		Short:   "remove a link or a forward",
		Long: `Removes the link to ADDRESS, or the link or forward that listens at LISTEN, as
"cell ls" shows it. The socket or port is closed, and its current calls are cut.
"cell unforward" does the same.`,
		Example:           `  cell unlink web@laptop`,
		Args:              exactly("ADDRESS|LISTEN"),
		ValidArgsFunction: completeLinks,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := home.Default()
			if err != nil {
				return err
			}
			at, err := unlinkArg(h, args[0])
			if err != nil {
				return misuse(err, `"cell ls" lists the links and forwards`)
			}
			dropped, err := links.Drop(cmd.Context(), h, at)
			if err == nil {
				err = reread(cmd.Context(), h)
			}
			if err != nil {
				return err
			}
			ended, err := askUnlink(cmd.Context(), h, at)
			if err == nil && !dropped && !ended {
				err = notLinked(cmd.Context(), h, args[0])
			}
			return err
		},
	}
}

// notLinked is the error for an address without a link: a forward may lead to it.
func notLinked(ctx context.Context, h home.Home, text string) error {
	to, _ := address.Parse(text)
	for _, link := range linksOf(ctx, h) {
		if link.Name == shown(to).String() {
			return hint(fmt.Errorf("unlink %s: that is a forward, not a link", text),
				fmt.Sprintf(`name a forward by where it listens: "cell unlink %s"`, link.Listen))
		}
	}
	return hint(fmt.Errorf("unlink %s: there is no such link or forward", text),
		`"cell ls" lists them`)
}

// completeLinks asks the stem for the links and forwards: the files hold only kept ones.
func completeLinks(cmd *cobra.Command, args []string,
	begun string) (all []string, how cobra.ShellCompDirective) {
	how = cobra.ShellCompDirectiveNoFileComp
	h, err := home.Default()
	if err != nil || len(args) > 0 {
		return nil, how
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	for _, link := range linksOf(ctx, h) {
		word := link.Listen + "\t" + link.Name
		if at, err := links.Of(h, link.Listen); err == nil && at.IsLink() {
			word = link.Name
		}
		if strings.HasPrefix(word, begun) {
			all = append(all, word)
		}
	}
	slices.Sort(all)
	return all, how
}

// unlinkArg reads the address of a link, or where a forward listens.
func unlinkArg(h home.Home, text string) (links.Listen, error) {
	if to, err := address.Parse(text); err == nil && !to.Peer.IsLocal() {
		return links.Link(to)
	}
	return listenAt(h, text)
}

// askUnlink has the stem end a link or forward. ended is false if there was none, or no stem.
func askUnlink(ctx context.Context, h home.Home, at links.Listen) (ended bool, err error) {
	answer, err := stemclient.Ask(ctx, h, wire.Request{Verb: wire.Unlink, Object: at.String()})
	if errors.Is(err, stemclient.ErrNoStem) || errors.Is(err, wire.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, answer.Conn.Close()
}
