package germinate

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// socketWatch notices new sockets in a directory.
type socketWatch struct {
	dir     string
	mu      sync.Mutex
	waiting map[string]chan struct{}
	blind   bool // there are no file system events
}

func newSocketWatch(dir string) *socketWatch {
	return &socketWatch{dir: dir, waiting: map[string]chan struct{}{}}
}

// expect returns a channel that receives when the path may have appeared. A path can be
// expected once at a time.
func (w *socketWatch) expect(path string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	appeared := make(chan struct{}, 1)
	w.waiting[path] = appeared
	if w.blind {
		appeared <- struct{}{} // start polling
	}
	return appeared
}

func (w *socketWatch) forget(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiting, path)
}

// run forwards file system events until ctx ends. Without events, waiters poll.
func (w *socketWatch) run(ctx context.Context, log *slog.Logger) error {
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close()
		if err = watcher.Add(filepath.Dir(w.dir)); err == nil {
			err = watcher.Add(w.dir)
		}
	}
	if err != nil {
		log.Warn("no file system events: polling for cells", "dir", w.dir, "err", err)
		w.wakeAll(true)
		<-ctx.Done()
		return nil
	}
	w.wakeAll(false) // for sockets that appeared before the watch
	for {
		select {
		case event := <-watcher.Events:
			switch {
			case !event.Has(fsnotify.Create):
			case event.Name == w.dir: // moved away and back
				watcher.Add(w.dir)
				w.wakeAll(false)
			default:
				w.wake(event.Name)
			}
		case <-watcher.Errors: // events were lost
			w.wakeAll(false)
		case <-ctx.Done():
			return nil
		}
	}
}

// wake tells the one who expects the path.
func (w *socketWatch) wake(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.waiting[path] <- struct{}{}: // never ready if nobody waits: the channel is nil
	default:
	}
}

// wakeAll makes all waiters check for themselves.
func (w *socketWatch) wakeAll(blind bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blind = blind
	for _, appeared := range w.waiting {
		select {
		case appeared <- struct{}{}:
		default:
		}
	}
}
