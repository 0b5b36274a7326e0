package stem

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// reaper collects the ends of the processes it has started. It waits for SIGCHLD and not
// in wait4(2), which could not be called off: cells outlive the stem.
type reaper struct {
	mu       sync.Mutex
	children map[int]chan syscall.WaitStatus
}

func newReaper() *reaper { return &reaper{children: map[int]chan syscall.WaitStatus{}} }

// child is a process that was started, and the channel on which its end will arrive.
type child struct {
	pid   int
	ended <-chan syscall.WaitStatus
}

// start starts a process.
func (r *reaper) start(path string, argv []string, attr *os.ProcAttr) (child, error) {
	r.mu.Lock() // so that collect does not miss a process that ends at once
	defer r.mu.Unlock()
	process, err := os.StartProcess(path, argv, attr)
	if err != nil {
		return child{}, err
	}
	c := make(chan syscall.WaitStatus, 1)
	pid := process.Pid // which Release forgets
	r.children[pid] = c
	return child{pid, c}, process.Release()
}

// run collects until ctx ends.
func (r *reaper) run(ctx context.Context) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCHLD)
	defer signal.Stop(signals)
	for {
		r.collect() // also what ended before we listened
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
