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
		Short: "have a socket of this machine lead to a cell elsewhere",
		Long: `Prints the path of a Unix socket, run/NAME@PEER.sock in the home, that leads to the cell: for
programs that can connect to a socket and know nothing of cells. Only your own programs can.
Each connection is a call; one that is refused is closed, and "cell status" tells why.

The stem serves it until it ends; with --keep, the next one does, too, until "cell unlink".`,
		Example: `  curl --unix-socket $(cell link web@laptop) http://web/`,
		Args:    exactly("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := parseAddress(args[0], "an address is NAME@PEER, as in web@laptop")
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
					fmt.Sprintf("it is %s, once the cell runs", path))
			case err != nil:
				return misuse(fmt.Errorf("link %s: %w", shown(to), err),
					`"cell trust ID --as NAME" gives one`)
			}
			return serve(cmd, h, at, to, keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "have it served by the next stems, too")
	return cmd
}

func forwardCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "forward [LISTEN] ADDRESS [--keep]",
		Short: "have a port of this machine lead to a cell",
		Long: `Listens at LISTEN, which is IP:PORT, a port of 127.0.0.1, or the path of a Unix socket; without
it, at a free port of 127.0.0.1. Prints where. Each connection is a call; one that is refused
or cut is reset, and "cell status" tells why.

Every user of this machine can connect to a port, and then calls in your name; to a Unix
socket, only you. An IP address other than 127.0.0.1 or ::1 lets other machines in.

The stem serves it until it ends; with --keep, the next one does, too, until "cell unlink".`,
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
					return misuse(err, "as in cell forward 127.0.0.1:5432 db@laptop")
				}
			}
			to, err := parseAddress(args[len(args)-1], "an address is NAME@PEER, as in db@laptop")
			if err != nil {
				return err
			}
			// a port, which a cell may be called, too
			if _, err := links.ParseListen(args[0]); err == nil && len(args) == 1 &&
				to.Peer.IsLocal() {
				return misuse(fmt.Errorf("%s is where to listen, and no ADDRESS comes after it",
					args[0]), fmt.Sprintf("as in cell forward %s db@laptop", args[0]))
			}
			if err := serve(cmd, h, at, to, keep); err != nil || !at.Exposed() {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: warning: whoever can connect to %s, from other machines too, calls %s in your name\n", at, shown(to))
			return nil
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "have it served by the next stems, too")
	return cmd
}

// listenAt reads LISTEN, whose path may be relative to the current folder.
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

// serve has the stem serve a link or forward, and prints where.
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
			return fmt.Errorf("%s leads to %s now, but is not kept: %w", where, shown(to), err)
		}
	}
	fmt.Fprintln(cmd.OutOrStdout(), where)
	return nil
}

// askLink asks the stem, and returns where it says that the link or forward is.
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
		return "", fmt.Errorf("the stem did not say where: %w", err)
	}
	return strings.TrimSuffix(where, "\n"), nil
}

func linkHint(err error, to address.Address) string {
	switch {
	case errors.Is(err, stemclient.ErrNoStem):
		return `start one with "cell up"`
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
		Short:   `take back what "cell link" or "cell forward" did`,
		Long: `Ends the link to ADDRESS, or what leads somewhere from LISTEN, as "cell ls" shows it: the socket
or port is closed, calls under way by it are cut, and it is not kept any more.
"cell unforward" is another name for it.`,
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
				return misuse(err, `"cell ls" lists what is linked and forwarded`)
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

// notLinked is the error for an address or a place that no link has: a forward may lead
// to the address.
func notLinked(ctx context.Context, h home.Home, text string) error {
	to, _ := address.Parse(text)
	for _, link := range linksOf(ctx, h) {
		if link.Name == shown(to).String() {
			return hint(fmt.Errorf("unlink %s: it is not linked, but forwarded, and a forward goes by where it listens", text), fmt.Sprintf(`"cell unlink %s" takes it back`, link.Listen))
		}
	}
	return hint(fmt.Errorf("unlink %s: nothing is linked or forwarded there", text),
		`"cell ls" lists what is`)
}

// completeLinks asks the stem for the links and forwards that there are: only it knows of
// those that are not kept.
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

// unlinkArg reads the address of a link, or where something listens.
func unlinkArg(h home.Home, text string) (links.Listen, error) {
	if to, err := address.Parse(text); err == nil && !to.Peer.IsLocal() {
		return links.Link(to)
	}
	return listenAt(h, text)
}

// askUnlink has the stem end a link or forward; ended is false if there was none. Without
// a stem, nothing is served.
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
