package germinate

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
)

const (
	// maxLog is the size at which a cell's log is moved to NAME.log.1.
	maxLog = 8 << 20
	// maxWords limits what is quoted from a cell that failed.
	maxWords = 1024
)

// openLog opens the file that a cell prints to. It is opened for append, so that the stem can
// truncate it.
func openLog(h home.Home, cell address.Name) (*os.File, error) {
	limitLog(h.Log(cell))
	return os.OpenFile(h.Log(cell), os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
}

func size(file *os.File) int64 {
	info, err := file.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// lastWords returns the end of what was written to the log since it had the given size.
func lastWords(log *os.File, since int64) string {
	end := size(log)
	if end < since { // truncated meanwhile
		since = 0
	}
	words := make([]byte, min(end-since, maxWords))
	n, err := log.ReadAt(words, end-int64(len(words)))
	if err != nil && err != io.EOF {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(words[:n]), ""))
}

// limitLogs limits the logs of running cells until ctx ends. It checks them after a write, at
// most once a second.
func limitLogs(ctx context.Context, h home.Home, log *slog.Logger) error {
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close()
		err = watcher.Add(h.LogDir())
	}
	if err != nil {
		log.Warn("no file system events: logs are only limited when cells start", "dir", h.LogDir(),
			"err", err)
		<-ctx.Done()
		return nil
	}
	due := time.After(0) // logs may have grown before the watch
	for {
		select {
		case <-watcher.Events:
			if due == nil {
				due = time.After(time.Second)
			}
		case <-watcher.Errors:
		case <-due:
			due = nil
			// Glob fails only for a bad pattern.
			paths, _ := filepath.Glob(filepath.Join(h.LogDir(), "*.log"))
			for _, path := range paths {
				limitLog(path)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// limitLog moves the text of a log that is too large to NAME.log.1, by copy and truncate, since
// the cell has the file open. What the cell writes in between is lost.
func limitLog(path string) {
	from, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer from.Close()
	length := size(from)
	if length <= maxLog {
		return
	}
	to, err := os.OpenFile(path+".1", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	defer to.Close()
	// Truncate even if the copy fails: the disk may be full.
	io.Copy(to, io.NewSectionReader(from, length-maxLog, maxLog))
	from.Truncate(0)
}
