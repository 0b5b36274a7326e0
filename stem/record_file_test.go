package stem

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A flood of refusals does not fill the disk. Records above the limit are counted in the next one.
func TestFloodOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newCallLog("")
		for range 5000 {
			a.add(Record{Verdict: "denied"})
		}
		a.add(Record{Verdict: "ok"})
		<-time.After(time.Second)
		for range 5000 {
			a.add(Record{Verdict: "denied"})
		}
		a.add(Record{Verdict: "ok"})
		written, unwritten, verdicts := 0, 0, map[string]int{}
		for len(a.queue) > 0 {
			c := <-a.queue
			written++
			unwritten += c.Unwritten
			verdicts[c.Verdict]++
		}
		if written+unwritten != 10_002 || verdicts["ok"] != 2 ||
			verdicts["denied"] != refusalsBurst+refusalsPerSecond {
			t.Errorf("%d were written, %d counted: %v", written, unwritten, verdicts)
		}
	})
}

// A slow disk delays no call. Lost records are counted.
func TestRecordDoesNotWait(t *testing.T) {
	a := newCallLog("")
	for range callLogQueue + 100 { // the writer does not run
		a.add(Record{Verdict: "ok"})
	}
	for range callLogQueue {
		if c := <-a.queue; c.Unwritten != 0 {
			t.Errorf("%d are lost too early", c.Unwritten)
		}
	}
	a.add(Record{Verdict: "ok"})
	a.add(Record{Verdict: "ok"})
	if first, second := <-a.queue, <-a.queue; first.Unwritten != 100 || second.Unwritten != 0 {
		t.Errorf("lost: %d, then %d, want 100, then 0", first.Unwritten, second.Unwritten)
	}
}

// runCallLog runs a call log while record adds to it, until all is written.
func runCallLog(t *testing.T, path string, record func(*callLog)) {
	t.Helper()
	a := newCallLog(path)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- a.run(ctx, discard) }()
	record(a)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// One line is one call. When the stem ends, all records are written.
func TestCallLogFile(t *testing.T) {
	path := newHome(t).Calls()
	want := []Record{
		{Began: noon, Direction: "in", Peer: testID(1).String(), Cell: "retina", Verdict: "ok",
			Path: "direct quic", Sent: 1, Received: 2, Seconds: 0.5, End: "orderly"},
		{Began: noon, Direction: "out", Peer: "laptop", Cell: "retina", Verdict: "denied",
			End: "refused"},
		{Began: noon, Direction: "out", Peer: "laptop", Cell: "retina", Verdict: "ok",
			End: "cut: two\nlines", Unwritten: 7},
	}
	for n, c := range want { // each by another stem
		runCallLog(t, path, func(a *callLog) {
			<-a.lost
			a.lost <- c.Unwritten
			a.add(c)
		})
		text, err := os.ReadFile(path)
		lines := strings.SplitAfter(string(text), "\n")
		if err != nil || len(lines) != n+2 {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		var got Record
		if err := json.Unmarshal([]byte(lines[n]), &got); err != nil || got != c {
			t.Errorf("%s reads as %+v, %v, want %+v", lines[n], got, err, c)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// There are at most two files of limited size, and the newer one ends with the last call.
func TestCallLogIsBounded(t *testing.T) {
	h := newHome(t)
	long := strings.Repeat("x", 64<<10)
	const calls = 3 * maxCallLog / (64 << 10)
	for n := range calls {
		runCallLog(t, h.Calls(), func(a *callLog) {
			a.add(Record{Verdict: "ok", End: long,
				Sent: int64(n)})
		})
	}
	entries, err := os.ReadDir(h.LogDir())
	if err != nil || len(entries) != 2 {
		t.Errorf("the files are %v, %v", entries, err)
	}
	for _, path := range []string{h.Calls(), h.Calls() + ".1"} {
		info, err := os.Stat(path)
		if err != nil || info.Size() > maxCallLog+int64(2*len(long)) {
			t.Errorf("%v, %v", info, err)
		}
	}
	text, err := os.ReadFile(h.Calls())
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var last Record
	if err := errors.Join(err, json.Unmarshal([]byte(lines[len(lines)-1]), &last)); err != nil ||
		last.Sent != calls-1 {
		t.Errorf("the last line is of call %d, %v", last.Sent, err)
	}
}

// The file may be moved at any time: later records go to a new file.
func TestCallLogFileMayBeMoved(t *testing.T) {
	path := newHome(t).Calls()
	runCallLog(t, path, func(a *callLog) {
		for range 3 {
			a.add(Record{Verdict: "ok"})
			eventually(t, "the call is written", func() bool {
				return os.Rename(path, path+".mine") == nil
			})
		}
	})
}
