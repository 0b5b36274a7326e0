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

// spawn starts the program for one call and waits for its end. The socket itself is its
// stdin and stdout: nothing is copied, and we keep no end of it, so that the caller sees
// each direction end when the program ends it. The price is that we can't tell when the
// caller has gone: a program that neither reads nor writes stays until it ends by itself.
//
// The call of a program that fails is not cut. Between machines, a cut overtakes what was
// written before it, which may well say why the program failed; and many exit with 1 in
// ordinary use, as grep does.
func (w Wrapper) spawn(ctx context.Context, path string, c call) error {
	file, err := handOver(c.conn)
	if err != nil {
		return err
	}
	env, err := w.environ("CELL_CALLER=" + c.from)
	var process *os.Process
	if err == nil {
		process, err = w.start(ctx, path, env, file)
	}
	if err != nil {
		w.cut(c)
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

// killAll ends a program and those that it has started, which hold the call, too: they
// are one process group, unless they have left it.
func killAll(process *os.Process) {
	if process.Signal(syscall.Signal(0)) == nil { // else its number may be another's by now
		syscall.Kill(-process.Pid, syscall.SIGKILL)
	}
}

// start executes the program. One that was written just now may still be open in a child
// that another thread has forked.
func (w Wrapper) start(ctx context.Context, path string, env []string,
	file *os.File) (*os.Process, error) {
	attr := &os.ProcAttr{
		Dir:   w.Settings.Dir,
		Env:   env,
		Files: []*os.File{file, file, w.Stderr},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	}
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		process, err := os.StartProcess(path, w.Program, attr)
		if !errors.Is(err, syscall.ETXTBSY) || socket.Pause(ctx, pause) != nil {
			return process, err
		}
	}
}

// handOver makes the connection a file for another process. The connection is ours no
// more. os.StartProcess puts it in blocking mode, since that is what programs expect of
// their stdin.
func handOver(conn *net.UnixConn) (*os.File, error) {
	defer conn.Close()
	file, err := conn.File()
	if err != nil {
		return nil, fmt.Errorf("hand the call over: %w", err)
	}
	return file, nil
}
