package stem

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// births tells when sockets appear in run/.
type births struct {
	dir     string
	mu      sync.Mutex
	waiting map[string]chan struct{}
	blind   bool // there are no events to be had
}

func newBirths(dir string) *births {
	return &births{dir: dir, waiting: map[string]chan struct{}{}}
}

// watch returns a channel that gets something when the path appears. One may watch a path
// at a time.
func (b *births) watch(path string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	born := make(chan struct{}, 1)
	b.waiting[path] = born
	if b.blind {
		born <- struct{}{} // the first of a series of tries
	}
	return born
}

func (b *births) unwatch(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, path)
}

// run passes the file system's events on until ctx ends. Without events, tries begin at
// once and go on with pauses.
func (b *births) run(ctx context.Context, log *slog.Logger) error {
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close()
		err = watchAll(watcher, []string{filepath.Dir(b.dir), b.dir})
	}
	if err != nil {
		log.Warn("no file system events: cells are polled for", "dir", b.dir, "err", err)
		b.lookAnyway(true)
		<-ctx.Done()
		return nil
	}
	b.lookAnyway(false) // for what appeared before we watched
	for {
		select {
		case event := <-watcher.Events:
			// it was moved away, and is there again
			if event.Has(fsnotify.Create) && event.Name == b.dir {
				watcher.Add(b.dir)
				b.lookAnyway(false)
			} else if event.Has(fsnotify.Create) {
				b.tell(event.Name)
			}
		case <-watcher.Errors: // events were lost
			b.lookAnyway(false)
		case <-ctx.Done():
			return nil
		}
	}
}

func (b *births) tell(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wake(b.waiting[path])
}

// lookAnyway makes all who wait look for themselves.
func (b *births) lookAnyway(blind bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blind = blind
	for _, born := range b.waiting {
		wake(born)
	}
}

// wake leaves a signal without waiting; a nil channel takes none.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
