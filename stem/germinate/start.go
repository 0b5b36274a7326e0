package germinate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// launch executes the cell's dna and returns when the cell answers at its socket, ends, or ctx
// ends. A cell that does not answer in time is killed; otherwise every call would add one more
// silent process.
func (f *Factory) launch(ctx context.Context, cell address.Name, settings dna.Settings,
	path string) error {
	appeared := f.sockets.expect(path)
	defer f.sockets.forget(path)
	output, err := openLog(f.home, cell)
	if err != nil {
		return failed(err)
	}
	defer output.Close()
	before := size(output)

	process, err := f.exec(ctx, cell, settings, path, output)
	if err != nil {
		return failed(fmt.Errorf("start %s: %w", f.home.DNA(cell), err))
	}
	f.log.Info("cell started", "cell", cell, "pid", process.pid)
	err = f.await(ctx, cell, settings, appeared, process.ended)
	if err == nil {
		f.limits.launched(cell, process.ended)
		return nil
	}
	syscall.Kill(-process.pid, syscall.SIGKILL) // the whole session
	reason := fmt.Sprintf("%s %v", cell, err)
	if words := lastWords(output, before); words != "" {
		reason += "\nits last words:\n" + words
	}
	f.log.Warn("cell failed to start", "cell", cell, "pid", process.pid, "reason", reason)
	return wire.Refusal{Code: wire.Failed, Reason: reason}
}

// exec starts the dna, or the wrapper that runs it, in a session of its own, so that it
// outlives the stem. Its output is the log file itself: a pipe to the stem would break when the
// stem ends, and kill the cell.
func (f *Factory) exec(ctx context.Context, cell address.Name, settings dna.Settings, path string,
	output *os.File) (process child, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return child{}, err
	}
	defer null.Close()
	attr := &os.ProcAttr{
		Dir:   f.home.String(),
		Files: []*os.File{null, output, output},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	}
	program, argv := f.wrapper, []string{"cell", "run", cell.String()}
	own := []string{
		"CELL_NAME=" + cell.String(),
		"CELL_HOME=" + f.home.String(),
		"CELL_SOCKET=" + path,
		"CELL_STARTED=1", // the stem holds the cell's lock
	}
	if settings.Mode == dna.Self {
		program = f.home.DNA(cell)
		argv = append([]string{program, "--name", cell.String()}, settings.Args...)
		attr.Env = settings.Environ(own...)
		if settings.Dir != "" {
			attr.Dir = settings.Dir
		}
	} else {
		attr.Env = dna.Settings{}.Environ(own...) // the wrapper reads the settings itself
	}
	if _, err := os.Stat(attr.Dir); err != nil {
		// execve(2) would report the program as missing.
		return child{}, fmt.Errorf("working directory: %w", err)
	}
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		process, err = f.reaper.start(program, argv, attr)
		// A file just written may still be open in a child that another thread has forked.
		if !errors.Is(err, syscall.ETXTBSY) || socket.Pause(ctx, pause) != nil {
			return process, explainExec(err)
		}
	}
}

// explainExec adds the remedy to errors of execve(2) that are hard to read.
func explainExec(err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return errors.New("neither a program for this machine nor a script: a script begins with " +
			"#! and its interpreter")
	case errors.Is(err, syscall.ENOENT):
		return errors.New("its interpreter (first line) or its loader is not installed on this " +
			"machine")
	}
	return err
}

// pollAfter is when await checks for a socket without an event, which some file systems lack.
const pollAfter = 100 * time.Millisecond

// await returns nil once a process holds the cell's socket. It need not accept yet: the caller's
// connect waits for listen(2), which makes no event. After the first event await polls with
// doubling pauses, since the file that appeared may be another one.
func (f *Factory) await(ctx context.Context, cell address.Name, settings dna.Settings,
	appeared <-chan struct{}, ended <-chan syscall.WaitStatus) error {
	again := time.After(pollAfter)
	pause := socket.FirstPause
	for {
		select {
		case <-appeared:
			pause = socket.FirstPause
		case <-again:
			pause = socket.NextPause(pause)
		case status := <-ended:
			if f.alive(cell) {
				return nil // a child of it answers
			}
			reason := describeEnd(status) + " before its socket answered"
			if status.Exited() && status.ExitStatus() == 0 {
				reason += ": a cell must stay in the foreground" + f.suggestStdio(cell, settings)
			}
			return errors.New(reason)
		case <-ctx.Done():
			if ctx.Err() == context.Canceled {
				return errors.New("did not answer at its socket before the stem ended")
			}
			return fmt.Errorf("did not answer at its socket within %v%s", settings.StartTimeout,
				f.suggestStdio(cell, settings))
		}
		if f.alive(cell) {
			return nil
		}
		again = time.After(pause)
	}
}

// suggestStdio is the remedy for a program that does not bind a socket, as a first script.
func (f *Factory) suggestStdio(cell address.Name, settings dna.Settings) string {
	if settings.Mode != dna.Self {
		return ""
	}
	return fmt.Sprintf("; if it uses stdin and stdout, write mode = \"stdio\" in %s",
		dna.Path(f.home, cell))
}

func describeEnd(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("was ended by signal %d (%v)", status.Signal(), status.Signal())
	}
	return fmt.Sprintf("exited with status %d", status.ExitStatus())
}
