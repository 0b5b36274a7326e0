package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
)

// ssh compares calls over a transport with OpenSSH forwarding a Unix socket. Without OpenSSH,
// there are no such rows.
func (l *lab) ssh(transport string) error {
	here, there, err := l.pair(transport, nil)
	if err != nil {
		return err
	}
	if _, err := l.serveCells(there.Home); err != nil {
		return err
	}
	forwarded := filepath.Join(l.dir, "ssh.sock")
	if err := l.forward(forwarded, filepath.Join(there.Home, bareSocket)); err != nil {
		fmt.Fprintf(l.Log, "not compared with OpenSSH: %v\n", err)
		return nil
	}
	over := func() (Conn, error) { return socket.Dial(l.ctx, forwarded) }
	dial := func() (Conn, error) { return l.dial(here.Home, CellName+"@"+there.ID) }
	floor, got, err := inTurns(l.times(40), l.times(10),
		func() error { return call(over()) },
		func() error { // with early bytes, since OpenSSH does not wait either
			conn, err := l.Dial(l.ctx, here.Home, CellName+"@"+there.ID, echoed[:])
			return answered(conn, err)
		})
	if err != nil {
		return err
	}
	what := strings.TrimSuffix(transport, "-v1") + ", next to OpenSSH"
	l.addTime(what+": dial, 64 bytes there and back, close", floor, got, 1, 0)
	return l.open(what, over, dial, opened{least: 1, most: 1, bytes: 32 << 20})
}

// forward makes OpenSSH forward one socket to another, through its own server.
func (l *lab) forward(from, to string) error {
	at := func(name string) string { return filepath.Join(l.dir, name) }
	server, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		return err
	}
	for _, key := range []string{at("host"), at("user")} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
			key).CombinedOutput(); err != nil {
			return fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := fmt.Sprint(probe.Addr().(*net.TCPAddr).Port)
	probe.Close()
	me, err := user.Current()
	if err != nil {
		return err
	}
	for _, args := range [][]string{
		{server, "-D", "-f", os.DevNull, "-o", "ListenAddress=127.0.0.1", "-p", port, "-h",
			at("host"), "-o", "AuthorizedKeysFile=" + at("user.pub"),
			"-o", "StrictModes=no", "-o", "UsePAM=no", "-o", "PidFile=none",
			"-o", "LogLevel=QUIET"},
		{"ssh", "-F", os.DevNull, "-N", "-q", "-i", at("user"), "-o", "IdentitiesOnly=yes", "-o",
			"StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=" + os.DevNull,
			"-o", "ConnectionAttempts=10", "-o", "BatchMode=yes", "-p", port,
			"-L", from + ":" + to, me.Username + "@127.0.0.1"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		if err := cmd.Start(); err != nil {
			return err
		}
		l.undo = append(l.undo, func() error {
			cmd.Process.Signal(os.Interrupt)
			slow := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
			defer slow.Stop()
			cmd.Wait() // with the interrupt as its error
			return nil
		})
	}
	ctx, cancel := context.WithTimeout(l.ctx, 15*time.Second)
	defer cancel()
	for socket.Pause(ctx, 50*time.Millisecond) == nil {
		conn, err := net.Dial("unix", from)
		if err == nil {
			return call(conn.(*net.UnixConn), nil) // the far end answers
		}
	}
	return errors.New("it did not forward within 15 s")
}
