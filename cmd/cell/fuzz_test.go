package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/trace"
)

// A file of calls that grows while it is read gives the same lines as one that is read at once,
// and no line makes showCall fail.
func FuzzCallLog(f *testing.F) {
	const call = `{"began":"2026-11-23T12:00:00Z","direction":"in","peer":"x","cell":"a","verdict":"ok"}`
	f.Add(call+"\n"+call+"\n", 10)
	f.Add(call[:20]+"\n"+call+"\r\n"+call, 30)
	f.Add("\n\n[]\nnull\n{\"sent\":1e99}\n", 1)
	path := filepath.Join(f.TempDir(), "calls.jsonl")
	f.Fuzz(func(t *testing.T, text string, cut int) {
		if cut < 0 || cut > len(text) {
			return
		}
		var grown, whole [][]byte
		read := func(text string, from int64, lines *[][]byte) int64 {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			end, err := tail(path, from, func(more [][]byte) { *lines = append(*lines, more...) })
			if err != nil {
				t.Fatal(err)
			}
			return end
		}
		seen := read(text[:cut], 0, &grown)
		read(text, seen, &grown)
		read(text, 0, &whole)
		if !slices.EqualFunc(grown, whole, bytes.Equal) {
			t.Errorf("%q cut at %d: %q, want %q", text, cut, grown, whole)
		}
		for _, line := range whole {
			showCall(io.Discard, line, func(id string) string { return id })
		}
	})
}

// No event makes ping or find fail, and what they print is printable, whoever wrote it.
func FuzzTraceEvent(f *testing.F) {
	for _, event := range []string{
		`{"event":"found","source":"place","peer":"x","addresses":["a"],"seen":["2026-11-23T12:00:00Z"]}`,
		`{"event":"found","peer":"x"}`, `{"event":"found","source":"connected","seen":[]}`,
		`{"event":"nothing","reason":"a\nb\u001b[31m"}`, `{"event":"dial","wait_ms":1e300}`,
		`{"event":"connected","route":"relayed tcp","relay":"r","reason":"why"}`,
		`{"event":"punch","addresses":["a","b"]}`, `{"event":"answer","rtt_ms":-1}`,
		`{"event":"lost","reason":"\u009b2J"}`, `{"event":"relayed","reason":"\u202e"}`,
		`{"event":"found","peer":"x","source":"place","addresses":["a\u001b[2J"]}`,
		`{"event":"lost"}`, `{"event":"relayed"}`, `{"event":"end","sum":{"asked":3}}`, `{"ms":-0}`,
	} {
		f.Add([]byte(event))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var e trace.Event
		if json.Unmarshal(line, &e) != nil {
			return
		}
		for name, lines := range map[string]func(io.Writer) func(trace.Event, []byte){
			"ping": pingLines, "find": findLines} {
			var out strings.Builder
			show := lines(&out)
			show(e, line)
			show(e, line)
			if strings.ContainsFunc(out.String(), func(r rune) bool {
				return r != '\n' && !unicode.IsPrint(r)
			}) {
				t.Errorf("%s shows %s as %q", name, line, out.String())
			}
		}
	})
}

// Every error about stem.toml names the file, and what is accepted passes the checks again.
func FuzzStemConfig(f *testing.F) {
	for _, text := range []string{"", "port = 4433\nmesh = \"home\"", "listen = [\"127.0.0.1\"]",
		"relay = \"public\"\nverbose = true\nno-mdns = true", "port = -1", "mesh = \"\"",
		"bootstrap = [\"/ip4/127.0.0.1/tcp/1\"]", "listen = [1]", "prot = 7", "[port]", "relay = []",
	} {
		f.Add(text)
	}
	h := hometest.New(f)
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(h.StemConfig(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		flags := upFlags{Mesh: defaultMesh, Relay: "trusted"}
		err := readConfig(h, upCommand(), &flags)
		if err != nil && !strings.HasPrefix(err.Error(), h.StemConfig()+":") {
			t.Errorf("%q: the error does not name the file: %v", text, err)
		}
		if err != nil {
			return
		}
		if flag, err := flags.check(); err != nil {
			t.Errorf("%q: accepted, but %s is invalid: %v", text, flag, err)
		}
	})
}
