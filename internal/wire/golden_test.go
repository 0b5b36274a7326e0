package wire

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// The lines in testdata are the wire as other programs speak it. Changing one is a new
// protocol version, so both ways are compared: what a line means, and what that meaning
// is written as.

func TestRequestLines(t *testing.T) {
	lines := golden(t, "testdata/requests.txt")
	want := []Request{
		{Verb: Open, Object: "retina"},
		{Verb: Open, Object: "retina@12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"},
		{Verb: Open, Object: "retina@laptop",
			Pairs: Pairs{{"wait", "5s"}, {"key", "a=b"}, {"empty", ""}}},
		{Verb: Open, Object: "cell://laptop/retina?key=aB3"},
		{Verb: Open, Object: "retina@/ip4/192.168.1.5/udp/4433/quic-v1"},
		{Verb: Germinate, Object: "edge_detector"},
		{Verb: End, Object: "17"},
		{Verb: Status},
		{Verb: Status, Pairs: Pairs{{"format", "json"}}},
		{Verb: Reread},
		{Verb: Link, Object: "cell://laptop/db?key=aB3", Pairs: Pairs{{"at", "127.0.0.1:0"}}},
		{Verb: Unlink, Object: "run/db@laptop.sock"},
		{Verb: Unlink, Object: "/tmp/db.sock"},
		{Verb: Ping, Object: "laptop", Pairs: Pairs{{"count", "3"}}},
		{Verb: Find, Object: "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"},
		{Verb: CutCall, Object: "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/0123456789abcdef"},
		{Verb: "dance", Object: "tango"},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines for %d requests", len(lines), len(want))
	}
	for i, line := range lines {
		got, err := parseRequest(strings.TrimSuffix(line, "\n"))
		if err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%q reads as %+v, %v\nwant %+v", line, got, err, want[i])
		}
		if text := want[i].String(); text != line {
			t.Errorf("%+v is written as %q, want %q", want[i], text, line)
		}
	}
}

func TestVerdictLines(t *testing.T) {
	lines := golden(t, "testdata/verdicts.txt")
	want := []struct {
		pairs   Pairs
		refusal Refusal
	}{
		{},
		{pairs: Pairs{{"call", "17"}}},
		{pairs: Pairs{{"call", "17"}, {"later", "x=y"}}},
		{refusal: Refusal{NotFound, "no dna"}},
		{refusal: Refusal{Code: Denied}},
		{refusal: Refusal{Unreachable, "no way to laptop: tried 3 addresses"}},
		{refusal: Refusal{Failed, "exit status 1 | panic: out of luck"}},
		{refusal: Refusal{Busy, "too many starts"}},
		{refusal: Refusal{Bad, "empty request"}},
		{refusal: Refusal{Cut, "reset by the other end"}},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines for %d verdicts", len(lines), len(want))
	}
	for i, line := range lines {
		pairs, err := parseVerdict(strings.TrimSuffix(line, "\n"))
		var refusal Refusal
		errors.As(err, &refusal)
		if !reflect.DeepEqual(pairs, want[i].pairs) || refusal != want[i].refusal ||
			(err == nil) != strings.HasPrefix(line, "ok") {
			t.Errorf("%q reads as %v, %#v\nwant %+v", line, pairs, err, want[i])
		}
		text := OK(want[i].pairs...)
		if want[i].refusal.Code != "" {
			text = No(want[i].refusal)
		}
		if text != line {
			t.Errorf("%+v is written as %q, want %q", want[i], text, line)
		}
	}
}

// golden returns the lines of a file, each with its newline.
func golden(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	return lines[:len(lines)-1] // behind the last newline is nothing
}
