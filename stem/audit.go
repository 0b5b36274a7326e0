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

// Call is the record of one call from or to another machine, granted or refused, as a
// line of log/calls.jsonl.
type Call struct {
	Began time.Time `json:"began"`
	// Direction is "in" for a call that another machine made, and "out" for one of this machine.
	Direction string `json:"direction"`
	// Peer is the other machine: its ID, or the place where it was looked for.
	Peer string `json:"peer"`
	Cell string `json:"cell"`
	// Verdict is "ok" or the code of the refusal.
	Verdict string `json:"verdict"`
	// Path is how the call travelled, as in "direct quic" or "relayed tcp". It is empty
	// for a call that did not travel.
	Path string `json:"path,omitempty"`
	// Sent and Received are bytes, as the caller sees it.
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	// Seconds is how long it took from the request to its end.
	Seconds float64 `json:"seconds"`
	// End is "orderly", "refused", or why the call was cut.
	End string `json:"end"`
	// Unwritten is how many calls before this one were too many to be written.
	Unwritten int `json:"unwritten,omitempty"`
}

// audit writes the records of calls to a file, away from the calls: whoever waits for an
// answer does not wait for the disk, and a refusal takes no longer for being recorded.
type audit struct {
	path     string
	queue    chan Call
	refusals *rate.Limiter
	lost     chan int // holds how many were lost
}

const (
	auditQueue         = 1024
	maxAudit           = 4 << 20 // bytes; then the file moves to calls.jsonl.1, which it replaces
	refusalsASecond    = 10
	refusalsBeforeThat = 1000
)

func newAudit(path string) *audit {
	a := &audit{path: path, queue: make(chan Call, auditQueue), lost: make(chan int, 1),
		refusals: rate.NewLimiter(refusalsASecond, refusalsBeforeThat)}
	a.lost <- 0
	return a
}

// record has the call written soon. It does not wait: a call that comes faster than the
// disk takes it, or is one refusal too many, is only counted.
func (a *audit) record(c Call) {
	lost := <-a.lost
	c.Unwritten = lost
	if c.Verdict == "ok" || a.refusals.Allow() {
		select {
		case a.queue <- c:
			a.lost <- 0
			return
		default:
		}
	}
	a.lost <- lost + 1
}

// auditPause is how long a record waits for others to be written along with it.
const auditPause = 10 * time.Millisecond

// run writes until ctx ends, and then what is left.
func (a *audit) run(ctx context.Context, log *slog.Logger) error {
	for {
		select {
		case c := <-a.queue:
			pause := time.NewTimer(auditPause)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
			}
			a.write(append([]Call{c}, a.waiting()...), log)
		case <-ctx.Done():
			a.write(a.waiting(), log)
			return nil
		}
	}
}

// waiting takes what is in the queue.
func (a *audit) waiting() (list []Call) {
	for {
		select {
		case c := <-a.queue:
			list = append(list, c)
		default:
			return list
		}
	}
}

func (a *audit) write(list []Call, log *slog.Logger) {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, c := range list {
		if err := encoder.Encode(c); err != nil {
			log.Warn("a call was not recorded", "err", err)
		}
	}
	if lines.Len() == 0 {
		return
	}
	if err := appendTo(a.path, lines.Bytes()); err != nil {
		log.Warn("calls were not recorded", "calls", len(list), "err", err)
	}
}

// appendTo opens the file each time: it may have been moved or removed since the last one.
func appendTo(path string, lines []byte) error {
	if info, err := os.Stat(path); err == nil && info.Size() > maxAudit {
		if err := os.Rename(path, path+".1"); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if last := make([]byte, 1); endsOpen(file, last) {
		// half a line, of a stem that was killed, spoils no other
		lines = append([]byte{'\n'}, lines...)
	}
	_, err = file.Write(lines)
	return err
}

// endsOpen says whether the file's last line has no end.
func endsOpen(file *os.File, last []byte) bool {
	n, err := file.ReadAt(last, size(file)-1)
	return err == nil && n == 1 && last[0] != '\n'
}
