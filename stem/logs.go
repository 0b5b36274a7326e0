package stem

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
	// maxLog is how large a cell's log may grow before its text moves to NAME.log.1,
	// which it replaces.
	maxLog = 8 << 20
	// maxWords bounds what is quoted of a cell that failed.
	maxWords = 1024
)

// openLog opens what a cell prints into. The process appends, whoever else truncates.
func openLog(h home.Home, cell address.Name) (*os.File, error) {
	boundLog(h.Log(cell))
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
	if end < since { // it was truncated meanwhile
		since = 0
	}
	words := make([]byte, min(end-since, maxWords))
	n, err := log.ReadAt(words, end-int64(len(words)))
	if err != nil && err != io.EOF {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(words[:n]), ""))
}

// boundLogs keeps the logs of running cells within bounds until ctx ends. It looks only
// after something was written, and at most once a second.
func boundLogs(ctx context.Context, h home.Home, log *slog.Logger) error {
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close()
		err = watcher.Add(h.LogDir())
	}
	if err != nil {
		log.Warn("no file system events: logs are bounded when cells start", "dir", h.LogDir(),
			"err", err)
		<-ctx.Done()
		return nil
	}
	due := time.After(0) // what was written before we watched, or while no stem ran
	for {
		select {
		case <-watcher.Events:
			if due == nil {
				due = time.After(time.Second)
			}
		case <-watcher.Errors:
		case <-due:
			due = nil
			// errs only on a bad pattern
			paths, _ := filepath.Glob(filepath.Join(h.LogDir(), "*.log"))
			for _, path := range paths {
				boundLog(path)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// boundLog moves the text of a log that has grown too large aside, by copy and truncate,
// since the cell holds the file itself. What the cell writes between the two is lost.
func boundLog(path string) {
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
	// the disk may be full: then bounding matters all the more
	io.Copy(to, io.NewSectionReader(from, length-maxLog, maxLog))
	from.Truncate(0)
}
