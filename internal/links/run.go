package links

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long Run waits after a change, so that changes made together cause one Reread.
const settle = 50 * time.Millisecond

// retry is the pause before a line is tried again whose port was taken or whose IP address this
// machine did not have yet.
var retry = 5 * time.Second

// Run serves the lines of the file as they change, until the Links are closed or ctx ends. It
// returns when all calls have ended. First it cleans up after a stem that was killed.
func (l *Links) Run(ctx context.Context) error {
	defer l.serving.Wait()
	defer l.Close()
	l.sweep()
	var changes chan fsnotify.Event
	var lost chan error
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close()
		changes, lost = watcher.Events, watcher.Errors
		err = watcher.Add(l.home.String())
	}
	if err != nil {
		l.log.Warn("no file system events: edits by hand need a restart", "file",
			l.home.Links(), "err", err)
	}
	due := time.After(0) // the file may have changed before the watch
	for {
		select {
		case event := <-changes:
			if event.Name == l.home.Links() && event.Op != fsnotify.Chmod {
				due = time.After(settle)
			}
		case <-lost:
			due = time.After(settle)
		case <-due:
			due = nil
			if l.Reread(ctx); l.hasFailed() {
				due = time.After(retry)
			}
		case <-l.closed:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}
