package adapter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/cell-mesh/cell/internal/socket"
)

// spawn starts the program for one call and waits for it to end. The socket itself is its
// stdin and stdout. Nothing is copied, and this process keeps no copy of the socket, so the
// caller sees each direction end when the program ends it. The price: spawn can't tell when
// the caller is gone, so a program that neither reads nor writes stays until it exits.
//
// If the program fails, the call is not cut. Between machines, a cut overtakes earlier
// output, which may say why the program failed. And many programs exit with 1 in normal use,
// such as grep.
func (a Adapter) spawn(ctx context.Context, path string, c call) error {
	file, err := handOver(c.conn)
	if err != nil {
		return err
	}
	env, err := a.environ("CELL_CALLER=" + c.from)
	var process *os.Process
	if err == nil {
		process, err = a.start(ctx, path, env, file)
	}
	if err != nil {
		a.cut(c)
	}
	file.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { killAll(process) })
	defer stop()
	state, err := process.Wait()
	if err == nil && !state.Success() {
		err = errors.New(state.String()) // "exit status 3"
	}
	return err
}

// killAll kills the process group of a program: its children hold the call, too.
func killAll(process *os.Process) {
	if process.Signal(syscall.Signal(0)) == nil { // else another process may have its number by now
		syscall.Kill(-process.Pid, syscall.SIGKILL)
	}
}

// start executes the program. It tries again on ETXTBSY: a program that was just written may
// still be open in a child that another thread forked.
func (a Adapter) start(ctx context.Context, path string, env []string,
	file *os.File) (*os.Process, error) {
	attr := &os.ProcAttr{
		Dir:   a.Settings.Dir,
		Env:   env,
		Files: []*os.File{file, file, a.Stderr},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	}
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		process, err := os.StartProcess(path, a.Program, attr)
		if !errors.Is(err, syscall.ETXTBSY) || socket.Pause(ctx, pause) != nil {
			return process, err
		}
	}
}

// handOver turns the connection into a file for another process, and closes it here.
// os.StartProcess makes the file blocking, as programs expect of their stdin.
func handOver(conn *net.UnixConn) (*os.File, error) {
	defer conn.Close()
	file, err := conn.File()
	if err != nil {
		return nil, fmt.Errorf("hand the call over: %w", err)
	}
	return file, nil
}
