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
		Long: `Sends stdin to a cell and prints what it answers, and nothing else. The end of stdin is
passed on, and the answer still printed to its end. Exits with 0 when the cell has ended
the call, and with 1 and a reason when it was refused or cut.

@FILE as ADDRESS is the one in that file: others may see a command line, and a key in it.`,
		Example: `  printf hello | cell connect echo@12D3KooW…`,
		Args:    exactly("ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			conn, err := dial(cmd.Context(), args[0], atHand(cmd.InOrStdin()))
			if err != nil {
				return err
			}
			defer conn.Close()
			defer context.AfterFunc(cmd.Context(), func() { conn.Close() })()
			return converse(cmd.Context(), conn, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

// dial calls an address that a person wrote, with the first words of the call; its errors
// carry a remedy.
func dial(ctx context.Context, addr string, words []byte) (*synapse.Conn, error) {
	to, err := parseAddress(addr, "an address is NAME or NAME@PEER, as in echo@laptop")
	if err != nil {
		return nil, err
	}
	conn, err := synapse.DialAddress(ctx, to, words)
	if err != nil {
		return nil, hint(err, dialHint(err, to))
	}
	return conn, nil
}

// converse copies both ways until the cell has ended its side and stdin has ended. On a
// terminal it does not wait for stdin, since a person does not know that nobody listens
// any more. The goroutine that reads stdin ends with the process: nothing can interrupt a
// read of a terminal.
func converse(ctx context.Context, conn *synapse.Conn, stdin io.Reader, stdout io.Writer) error {
	sent := make(chan error, 1)
	go func() {
		_, err := io.Copy(conn, stdin)
		if isGone(err) {
			err = nil // the cell takes no more, but may still have something to say
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
			// which is for programs
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

// isGone says whether a write failed because the other end takes no more.
func isGone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.ENOTCONN)
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// unknown is why a peer that was named so is nobody: its file is missing, or can't be understood.
func unknown(to address.Address) error {
	name, ok := to.Peer.Petname()
	h, err := home.Default()
	if !ok || err != nil {
		return nil
	}
	_, err = peers.Read(h.Peer(name))
	return err
}

// nobodyHint is the remedy where a petname is nobody's.
func nobodyHint(why error, to address.Address) string {
	if !errors.Is(why, fs.ErrNotExist) {
		return fmt.Sprintf("mend %v", why)
	}
	if strings.HasPrefix(to.Peer.String(), "12d3") {
		return `an ID must be whole, as "cell id" prints it there`
	}
	machine := fmt.Sprintf("%s:%d", to.Peer, node.DefaultPort)
	if to.Cell != (address.Name{}) && !to.Cell.Reserved() {
		machine = to.Cell.String() + "@" + machine
	}
	return fmt.Sprintf("\"cell peers\" lists the names you have given; if %s is the machine's name in the network, write %s", to.Peer, machine)
}

// hasSaid says whether there is something in the log of a cell of this machine that can be started.
func hasSaid(cell address.Name) bool {
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

// dialHint is the remedy for a call that was not answered.
func dialHint(err error, to address.Address) string {
	here := to.Peer.IsLocal()
	switch {
	case errors.Is(err, synapse.ErrNoStem):
		return `start one with "cell up"`
	case errors.Is(err, synapse.ErrNotFound) && here:
		return fmt.Sprintf("put a program that answers there, with \"cp PROGRAM %s\", or start it yourself", dnaPath(to.Cell))
	case errors.Is(err, synapse.ErrNotFound):
		return fmt.Sprintf("its owner can put a program at dna/%s there", to.Cell)
	case errors.Is(err, synapse.ErrChanged):
		return fmt.Sprintf("if you know that it is a new machine, run \"cell forget %s\"", to.Peer)
	case errors.Is(err, synapse.ErrDenied) && to.Key != "":
		return "ask for another address with a key"
	case errors.Is(err, synapse.ErrDenied) && to.Cell.Reserved():
		return fmt.Sprintf("it trusts this machine with nothing; ask its owner to run \"cell trust %s --cells NAMES\"", ownID())
	case errors.Is(err, synapse.ErrDenied):
		return fmt.Sprintf("ask its owner to run \"cell trust %s --cells %s\"", ownID(), to.Cell)
	case errors.Is(err, synapse.ErrUnreachable) && unknown(to) != nil:
		return nobodyHint(unknown(to), to)
	case errors.Is(err, synapse.ErrUnreachable):
		return fmt.Sprintf("\"cell status\" shows whom this stem can see; at %s, \"cell up\" must run in the same mesh", to.Peer)
	case errors.Is(err, synapse.ErrFailed) && here && hasSaid(to.Cell):
		return fmt.Sprintf("%s holds all that it printed", logPath(to.Cell))
	}
	return ""
}
