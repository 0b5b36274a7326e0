package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/synapse"
)

func connectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "connect ADDRESS",
		Short: "connect stdin and stdout to a cell, starting it if needed",
		Long: `Sends stdin to a cell and prints its answer, and nothing else. When stdin ends,
the cell is told so, and the rest of the answer is still printed. Exits with 0
when the cell ends the call, and with 1 and a reason when the call is refused or
cut.

@FILE reads ADDRESS from a file. Use it for an address with a key: other users
of this machine can see command lines.`,
		Example: `  printf hello | cell connect echo@12D3KooW…`,
		Args:    exactly("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			conn, err := dial(cmd.Context(), args[0], atHand(cmd.InOrStdin()))
			if err != nil {
				return err
			}
			defer conn.Close()
			defer context.AfterFunc(cmd.Context(), func() { conn.Close() })()
			return converse(cmd.Context(), conn, cmd.InOrStdin(), unwrap(cmd.OutOrStdout()))
		},
	}
}

// dial calls an address from the command line and sends the first bytes along. Its errors
// carry a hint.
func dial(ctx context.Context, addr string, words []byte) (*synapse.Conn, error) {
	to, err := parseAddress(addr, "an address is NAME or NAME@PEER, such as echo@laptop")
	if err != nil {
		return nil, err
	}
	conn, err := synapse.DialAddress(ctx, to, words)
	if err != nil {
		return nil, hint(err, dialHint(err, to))
	}
	return conn, nil
}

// converse copies both ways until the cell and stdin have ended. On a terminal it does not
// wait for stdin: the user can't know that the cell has ended. The goroutine that reads
// stdin ends with the process, because nothing can interrupt a read of a terminal.
func converse(ctx context.Context, conn *synapse.Conn, stdin io.Reader, stdout io.Writer) error {
	sent := make(chan error, 1)
	go func() {
		_, err := io.Copy(conn, stdin)
		if isGone(err) {
			err = nil // the cell reads no more, but may still write
		} else {
			err = errors.Join(err, conn.CloseWrite())
		}
		if isGone(err) {
			err = nil
		}
		sent <- err
	}()
	if _, err := io.Copy(stdout, conn); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			// "unexpected EOF" is for programs
			reason := strings.TrimPrefix(err.Error(), io.ErrUnexpectedEOF.Error()+": ")
			return fmt.Errorf("the call to %s was cut: %s", conn.RemoteAddr(), reason)
		}
		return err
	}
	if isTerminal(stdin) {
		return nil
	}
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return errors.New("interrupted")
	}
}

// isGone reports whether a write failed because the other end reads no more.
func isGone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.ENOTCONN)
}

// startStem is the hint of every command that needs a running stem.
const startStem = `start one with "cell up"`

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// unknown returns why a petname has no peer: its file is missing or can't be parsed.
func unknown(to address.Address) error {
	name, ok := to.Peer.Petname()
	h, err := home.Default()
	if !ok || err != nil {
		return nil
	}
	_, err = peers.Read(h.Peer(name))
	return err
}

// nobodyHint is the remedy for a petname that no peer has.
func nobodyHint(why error, to address.Address) string {
	if !errors.Is(why, fs.ErrNotExist) {
		return fmt.Sprintf("fix this first: %v", why)
	}
	if strings.HasPrefix(to.Peer.String(), "12d3") {
		return `use the whole ID, as "cell id" prints it on that machine`
	}
	machine := fmt.Sprintf("%s:%d", to.Peer, node.DefaultPort)
	if to.Cell != (address.Name{}) && !to.Cell.Reserved() {
		machine = to.Cell.String() + "@" + machine
	}
	return fmt.Sprintf("\"cell peers\" lists the petnames; if %s is a host name, write %s",
		to.Peer, machine)
}

// hasLog reports whether a cell on this machine can be started and has printed something.
func hasLog(cell address.Name) bool {
	h, err := home.Default()
	if err != nil {
		return false
	}
	settings, err := dna.Read(h, cell)
	if err == nil && settings.Mode != dna.Forward {
		err = dna.Runnable(h.DNA(cell))
	}
	info, statErr := os.Stat(h.Log(cell))
	return err == nil && statErr == nil && info.Size() > 0
}

// dialHint is the remedy for a call that failed.
func dialHint(err error, to address.Address) string {
	here := to.Peer.IsLocal()
	switch {
	case errors.Is(err, synapse.ErrNoStem):
		return startStem
	case errors.Is(err, synapse.ErrNotFound) && here:
		return fmt.Sprintf("install a program with \"cp PROGRAM %s\", or start the cell yourself",
			dnaPath(to.Cell))
	case errors.Is(err, synapse.ErrNotFound):
		return fmt.Sprintf("the owner of that machine can install a program at dna/%s", to.Cell)
	case errors.Is(err, synapse.ErrChanged):
		return fmt.Sprintf("if you know that the machine was replaced, run \"cell forget %s\"",
			to.Peer)
	case errors.Is(err, synapse.ErrDenied) && to.Key != "":
		return "ask for a new address with a key"
	case errors.Is(err, synapse.ErrDenied):
		cells := to.Cell.String()
		if to.Cell.Reserved() {
			cells = "NAMES"
		}
		return fmt.Sprintf("ask the owner of that machine to run \"cell trust %s --cells %s\"",
			ownID(), cells)
	case errors.Is(err, synapse.ErrUnreachable) && unknown(to) != nil:
		return nobodyHint(unknown(to), to)
	case errors.Is(err, synapse.ErrUnreachable):
		return fmt.Sprintf("check that %s runs \"cell up\" in the same mesh; "+
			"\"cell status\" shows this side", to.Peer)
	case errors.Is(err, synapse.ErrFailed) && here && hasLog(to.Cell):
		return fmt.Sprintf("its whole output is in %s", logPath(to.Cell))
	}
	return ""
}
