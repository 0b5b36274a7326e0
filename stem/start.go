package stem

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

// grow executes the cell's dna and waits for the first of: it has bound its socket, it
// ends, ctx ends. A cell that does not bind it in time is killed, or every call would add
// one more to those that never will.
func (f *factory) grow(ctx context.Context, cell address.Name, settings dna.Settings,
	path string) error {
	born := f.births.watch(path)
	defer f.births.unwatch(path)
	output, err := openLog(f.home, cell)
	if err != nil {
		return wire.Refusal{Code: wire.Failed, Reason: err.Error()}
	}
	defer output.Close()
	before := size(output)

	process, err := f.exec(ctx, cell, settings, path, output)
	if err != nil {
		return wire.Refusal{Code: wire.Failed,
			Reason: fmt.Sprintf("start %s: %v", f.home.DNA(cell), err)}
	}
	f.log.Info("cell started", "cell", cell, "pid", process.pid)
	err = f.await(ctx, cell, settings, born, process.ended)
	if err == nil {
		f.limits.grown(cell, process.ended)
		return nil
	}
	syscall.Kill(-process.pid, syscall.SIGKILL) // its whole session, if anything is left of it
	reason := fmt.Sprintf("%s %v", cell, err)
	if words := lastWords(output, before); words != "" {
		reason += "\nits last words:\n" + words
	}
	f.log.Warn("cell failed to start", "cell", cell, "pid", process.pid, "reason", reason)
	return wire.Refusal{Code: wire.Failed, Reason: reason}
}

// exec starts the dna, or what carries it, in a session of its own, so that it outlives
// the stem. Its output is the log file itself: a pipe to the stem would end with the
// stem, and the cell with the pipe.
func (f *factory) exec(ctx context.Context, cell address.Name, settings dna.Settings, path string,
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
	own := []string{"CELL_NAME=" + cell.String(), "CELL_HOME=" + f.home.String(),
		"CELL_SOCKET=" + path,
		"CELL_STARTED=1"} // we hold its lock
	if settings.Mode == dna.Self {
		program = f.home.DNA(cell)
		argv = append([]string{program, "--name", cell.String()}, settings.Args...)
		attr.Env = settings.Environ(own...)
		if settings.Dir != "" {
			attr.Dir = settings.Dir
		}
	} else {
		attr.Env = dna.Settings{}.Environ(own...) // the wrapper reads the settings for itself
	}
	if _, err := os.Stat(attr.Dir); err != nil {
		// execve(2) would say it of the program
		return child{}, fmt.Errorf("the directory it is to run in: %w", err)
	}
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		process, err = f.reaper.start(program, argv, attr)
		// A file that was written just now may still be open in a child that another
		// thread has forked.
		if !errors.Is(err, syscall.ETXTBSY) || socket.Pause(ctx, pause) != nil {
			return process, explainExec(err)
		}
	}
}

// explainExec adds the remedy to the errors of execve(2) that are hard to read.
func explainExec(err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return errors.New("neither a program for this machine nor a script: a script begins with #! and its interpreter")
	case errors.Is(err, syscall.ENOENT):
		return errors.New("the interpreter in its first line, or the loader it wants, is not on this machine")
	}
	return err
}

// await returns nil as soon as the cell holds its socket; whoever connects waits for
// listen(2), which follows at once and tells nobody. born tells when the socket has
// appeared. Without events, or if it was another file that did, the cell is looked for
// after doubling pauses.
func (f *factory) await(ctx context.Context, cell address.Name, settings dna.Settings,
	born <-chan struct{}, ended <-chan syscall.WaitStatus) error {
	again := time.After(backstop)
	pause := socket.FirstPause
	for {
		select {
		case <-born:
			pause = socket.FirstPause
		case <-again:
			pause = socket.NextPause(pause)
		case status := <-ended:
			if f.alive(cell) {
				return nil // it left a child behind that answers
			}
			reason := describeEnd(status) + " before its socket answered"
			if status.Exited() && status.ExitStatus() == 0 {
				reason += ": a cell stays in the foreground as long as it is one" +
					f.orStdio(cell, settings)
			}
			return errors.New(reason)
		case <-ctx.Done():
			if ctx.Err() == context.Canceled {
				return errors.New("did not answer at its socket before the stem ended")
			}
			return fmt.Errorf("did not answer at its socket in time, which is %v%s",
				settings.StartTimeout, f.orStdio(cell, settings))
		}
		if f.alive(cell) {
			return nil
		}
		again = time.After(pause)
	}
}

// orStdio is the remedy for a program that knows nothing of its socket, which is what a
// script is at first.
func (f *factory) orStdio(cell address.Name, settings dna.Settings) string {
	if settings.Mode != dna.Self {
		return ""
	}
	return fmt.Sprintf("; if it speaks by its stdin and stdout, write mode = \"stdio\" in %s",
		dna.Path(f.home, cell))
}

// backstop is when a cell is looked for though no event came, as on file systems that have none.
const backstop = 100 * time.Millisecond

func describeEnd(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("was ended by signal %d (%v)", status.Signal(), status.Signal())
	}
	return fmt.Sprintf("exited with status %d", status.ExitStatus())
}
