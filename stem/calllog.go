package stem

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"time"

	"golang.org/x/time/rate"
)

// callLog writes records to a file. Calls do not wait for the disk, and a refusal takes no
// longer because it is recorded.
type callLog struct {
	path     string
	queue    chan Record
	refusals *rate.Limiter
	lost     chan int // holds one number: how many records were lost
}

const (
	callLogQueue      = 1024
	maxCallLog        = 4 << 20 // bytes; then the file is renamed to calls.jsonl.1
	refusalsPerSecond = 10
	refusalsBurst     = 1000
)

func newCallLog(path string) *callLog {
	l := &callLog{path: path, queue: make(chan Record, callLogQueue), lost: make(chan int, 1),
		refusals: rate.NewLimiter(refusalsPerSecond, refusalsBurst)}
	l.lost <- 0
	return l
}

// add queues a record and does not wait. If the queue is full, or there are too many refusals,
// the record is only counted.
func (l *callLog) add(r Record) {
	lost := <-l.lost
	r.Unwritten = lost
	if r.Verdict == "ok" || l.refusals.Allow() {
		select {
		case l.queue <- r:
			l.lost <- 0
			return
		default:
		}
	}
	l.lost <- lost + 1
}

// callLogPause is how long a record waits for others, to be written together.
const callLogPause = 10 * time.Millisecond

// run writes until ctx ends, and then what is left.
func (l *callLog) run(ctx context.Context, log *slog.Logger) error {
	for {
		select {
		case r := <-l.queue:
			pause := time.NewTimer(callLogPause)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
			}
			l.write(append([]Record{r}, l.queued()...), log)
		case <-ctx.Done():
			l.write(l.queued(), log)
			return nil
		}
	}
}

// queued empties the queue.
func (l *callLog) queued() (list []Record) {
	for {
		select {
		case r := <-l.queue:
			list = append(list, r)
		default:
			return list
		}
	}
}

func (l *callLog) write(list []Record, log *slog.Logger) {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, r := range list {
		if err := encoder.Encode(r); err != nil {
			log.Warn("a call was not recorded", "err", err)
		}
	}
	if lines.Len() == 0 {
		return
	}
	if err := appendTo(l.path, lines.Bytes()); err != nil {
		log.Warn("calls were not recorded", "calls", len(list), "err", err)
	}
}

// appendTo opens the file each time, since it may have been moved or removed.
func appendTo(path string, lines []byte) error {
	if info, err := os.Stat(path); err == nil && info.Size() > maxCallLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if lacksNewline(file) { // a stem was killed while it wrote
		lines = append([]byte{'\n'}, lines...)
	}
	_, err = file.Write(lines)
	return err
}

// lacksNewline reports whether the file's last line is incomplete.
func lacksNewline(file *os.File) bool {
	info, err := file.Stat()
	if err != nil {
		return false
	}
	last := make([]byte, 1)
	n, err := file.ReadAt(last, info.Size()-1)
	return err == nil && n == 1 && last[0] != '\n'
}
