package links

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle gathers changes that come together.
const settle = 50 * time.Millisecond

// retry is how soon what is kept is tried again if its port was taken, or this machine
// had not its IP address yet.
var retry = 5 * time.Second

// Run serves what the file holds, as it changes, until the Links are closed and their
// calls have ended, which they do when ctx does at the latest. First it cleans up after a
// stem that was killed.
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
		l.log.Warn("no file system events: edits by hand are seen at the next start", "file",
			l.home.Links(), "err", err)
	}
	due := time.After(0) // what changed before we watched
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
