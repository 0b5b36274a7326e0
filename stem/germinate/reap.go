package germinate

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// reaper collects the exit status of the processes it started. It waits for SIGCHLD and polls:
// a blocking wait4(2) could not be cancelled when the stem ends, and cells outlive the stem.
type reaper struct {
	mu       sync.Mutex
	children map[int]chan syscall.WaitStatus
}

func newReaper() *reaper { return &reaper{children: map[int]chan syscall.WaitStatus{}} }

// child is a process that was started. Its exit status arrives on ended.
type child struct {
	pid   int
	ended <-chan syscall.WaitStatus
}

func (r *reaper) start(path string, argv []string, attr *os.ProcAttr) (child, error) {
	r.mu.Lock() // so that collect knows a process that ends at once
	defer r.mu.Unlock()
	process, err := os.StartProcess(path, argv, attr)
	if err != nil {
		return child{}, err
	}
	ended := make(chan syscall.WaitStatus, 1)
	pid := process.Pid // Release resets it
	r.children[pid] = ended
	return child{pid, ended}, process.Release()
}

// run collects until ctx ends.
func (r *reaper) run(ctx context.Context) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCHLD)
	defer signal.Stop(signals)
	for {
		r.collect()
		select {
		case <-signals:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *reaper) collect() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for pid, ended := range r.children {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
		if got == pid || err == syscall.ECHILD {
			ended <- status
			delete(r.children, pid)
		}
	}
}
