package netif

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"
)

// quietFor is how long the kernel must report nothing before a change is looked at: an
// interface comes up in several steps.
const quietFor = 150 * time.Millisecond

// watcher notices changes from the moment it is made.
type watcher struct {
	changes *os.File // a socket on which the kernel reports changes
	before  []string
}

func newWatcher() (*watcher, error) {
	changes, err := openChanges()
	if err != nil {
		return nil, fmt.Errorf("watch interfaces: %w", err)
	}
	return &watcher{changes, interfaces()}, nil
}

// run is called once. It calls changed when the addresses, or the interfaces that they are
// on, are not the same as before.
func (w *watcher) run(ctx context.Context, changed func()) error {
	defer w.changes.Close()
	defer context.AfterFunc(ctx, func() { w.changes.SetReadDeadline(time.Unix(1, 0)) })()
	for buffer := make([]byte, 8<<10); ; {
		if _, err := w.changes.Read(buffer); err != nil && !isOverflow(err) {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("watch interfaces: %w", err)
		}
		select {
		case <-time.After(quietFor):
		case <-ctx.Done():
			return nil
		}
		if now := interfaces(); !slices.Equal(w.before, now) {
			w.before = now
			changed()
		}
	}
}

// interfaces lists the addresses of the interfaces that are up, each as "name address".
func interfaces() []string {
	var list []string
	all, _ := net.Interfaces()
	for _, i := range all {
		if i.Flags&net.FlagRunning == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, _ := i.Addrs()
		for _, addr := range addrs {
			list = append(list, i.Name+" "+addr.String())
		}
	}
	slices.Sort(list)
	return list
}
