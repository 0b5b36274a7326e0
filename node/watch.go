package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"
)

// calm is how long the interfaces must have said nothing before a change is looked at:
// they come up in several steps.
const calm = 150 * time.Millisecond

// watchInterfaces calls moved when this machine has other addresses than before, or the
// same on other interfaces, until ctx ends. The kernel tells; nothing is polled while it
// is silent.
func watchInterfaces(ctx context.Context, moved func()) error {
	w, err := newWatch()
	if err != nil {
		return err
	}
	return w.run(ctx, moved)
}

// watch misses nothing from the moment that it is made.
type watch struct {
	news   *os.File
	before []string
}

func newWatch() (*watch, error) {
	news, err := interfaceNews()
	if err != nil {
		return nil, fmt.Errorf("watch interfaces: %w", err)
	}
	return &watch{news, interfaces()}, nil
}

// run is called once.
func (w *watch) run(ctx context.Context, moved func()) error {
	defer w.news.Close()
	defer context.AfterFunc(ctx, func() { w.news.SetReadDeadline(time.Unix(1, 0)) })()
	for buffer := make([]byte, 8<<10); ; {
		if _, err := w.news.Read(buffer); err != nil && !lostSome(err) {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("watch interfaces: %w", err)
		}
		select {
		case <-time.After(calm):
		case <-ctx.Done():
			return nil
		}
		if now := interfaces(); !slices.Equal(w.before, now) {
			w.before = now
			moved()
		}
	}
}

// interfaces are the addresses of those that are plugged in, each as a word.
func interfaces() []string {
	var words []string
	all, _ := net.Interfaces()
	for _, i := range all {
		if i.Flags&net.FlagRunning == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, _ := i.Addrs()
		for _, addr := range addrs {
			words = append(words, i.Name+" "+addr.String())
		}
	}
	slices.Sort(words)
	return words
}

// newsFile makes a file of a socket on which the kernel tells.
func newsFile(socket int) *os.File { return os.NewFile(uintptr(socket), "interfaces") }
