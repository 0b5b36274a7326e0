package sdk_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/wire"
)

// The SDKs in Python and JavaScript read the same bytes as the Go packages, and must come to
// the same result. cell.sh parses nothing itself.

// reader is a running testdata/readers.*: it answers one line for each line.
type reader struct {
	name string
	in   io.Writer
	out  *bufio.Reader
}

// result is what a reader makes of its input. Class is empty if it accepts the input.
type result struct {
	Class, Reason, Call, Rest, Name string
	Here                            bool
}

// readers starts one process per installed language. They run until the fuzz target ends.
func readers(f *testing.F) (all []reader) {
	f.Helper()
	for name, script := range map[string]string{"python3": "testdata/readers.py",
		"node": "testdata/readers.js"} {
		if _, err := exec.LookPath(name); err != nil {
			continue
		}
		cmd := exec.Command(name, script)
		in, err := cmd.StdinPipe()
		if err != nil {
			f.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			f.Fatal(err)
		}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() {
			in.Close()
			if err := cmd.Wait(); err != nil {
				f.Errorf("%s: %v\n%s", name, err, &stderr)
			}
		})
		all = append(all, reader{name, in, bufio.NewReader(out)})
	}
	if len(all) == 0 {
		f.Skip("neither python3 nor node is installed")
	}
	return all
}

func (r reader) read(t *testing.T, kind, text string) (answer result) {
	t.Helper()
	fmt.Fprintf(r.in, "{%q: %q}\n", kind, hex.EncodeToString([]byte(text)))
	line, err := r.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &answer)
	}
	if err != nil {
		t.Fatalf("%s ended at the %s %q: %v", r.name, kind, text, err)
	}
	return answer
}

var classes = map[wire.Code]string{wire.NotFound: "NotFound", wire.Denied: "Denied",
	wire.Unreachable: "Unreachable", wire.Changed: "Changed", wire.Failed: "Failed",
	wire.Busy: "Busy", wire.Bad: "Bad", wire.Cut: "Cut"}

// verdictOf returns what the Go reader makes of a stem's answer.
func verdictOf(stream string) result {
	in := strings.NewReader(stream)
	pairs, rest, err := wire.ReadVerdict(in)
	var refusal wire.Refusal
	switch {
	case err == nil:
		behind, _ := io.ReadAll(in)
		return result{Call: pairs.Get("call"), Rest: hex.EncodeToString(append(rest, behind...))}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return result{Class: "NoStem"}
	case errors.As(err, &refusal):
		return result{Class: classes[refusal.Code], Reason: refusal.Error()}
	}
	return result{Class: "Bad"} // too long
}

// invalid is a run of replacement characters: languages differ in how many they write.
var invalid = regexp.MustCompile("\uFFFD+")

func plain(reason string) string { return invalid.ReplaceAllString(wire.Words(reason), "\uFFFD") }

func FuzzVerdict(f *testing.F) {
	for _, stream := range []string{"ok\n", "ok call=17\nhello", "ok call=1 call=2\n", "ok x\n",
		"ok =x\n", "ok call=a=b later=\n", "ok  call=1  x=y \n", "no denied\n", "no denied \nx",
		"no failed exit status 1 | x\n", "no later-code words\n", "no\n", "no \n", "", "ok", "\n",
		"maybe\n", "ok\r\n", "no cut \xff\xfe\n", "no  denied\n", "ok __proto__=x call=3\n",
		"ok call=\nx", "ok call=0\n", "no constructor x\n", "no ",
		"ok x=" + strings.Repeat("a", 4090) + "\n", "ok x=" + strings.Repeat("a", 4091) + "\n"} {
		f.Add(stream)
	}
	all := readers(f)
	f.Fuzz(func(t *testing.T, stream string) {
		line, _, _ := strings.Cut(stream, "\n")
		unprintable := strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' })
		if len(stream) > 16<<10 || unprintable && strings.HasPrefix(line, "ok ") {
			return // no stem writes such pairs
		}
		want := verdictOf(stream)
		for _, r := range all {
			got, want := r.read(t, "verdict", stream), want
			if r.name == "node" && want.Call == "0" {
				want.Call = "" // its reader does not tell them apart
			}
			if got.Class != want.Class || got.Call != want.Call || got.Rest != want.Rest {
				t.Errorf("%s reads %q as %+v, want %+v", r.name, stream, got, want)
			}
			reason, wantReason := plain(got.Reason), plain(want.Reason)
			given := strings.HasPrefix(line, "no ") && want.Class != "NoStem"
			if given && len(line) < 1000 && reason != wantReason && reason != "" {
				t.Errorf("%s reads %q with the reason %q, want %q", r.name, stream, reason,
					wantReason)
			}
		}
	})
}

// The SDKs leave the peer to the stem. So they may accept more addresses than Go does, but no
// other cell, and no other cell on this machine.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"echo", "echo@laptop", "echo@local", "echo@LOCAL", "Echo", "a..b",
		"a.sock", "", "a b", "echo@", "@laptop", "cell://local/echo", "cell://laptop/echo?key=aB3",
		"cell://local/echo?foo=1", "cell://local/a@b", "cell://%6Cocal/echo", "cell://a@b/echo",
		"echo@a@b", "echo\n", "echo@local\n", "a.log\n", "cell://local/echo?key=\xe9",
		"echo@/ip4/1.2.3.4/tcp/1", strings.Repeat("a", 63), strings.Repeat("a", 64)} {
		f.Add(text)
	}
	all := readers(f)
	f.Fuzz(func(t *testing.T, text string) {
		to, err := address.Parse(text)
		for _, r := range all {
			got := r.read(t, "address", text)
			switch {
			case err == nil && (got.Class != "" || got.Name != to.Cell.String()):
				t.Errorf("%s reads %q as %+v, want the cell %s", r.name, text, got, to.Cell)
			case got.Class == "" && got.Here && (err != nil || !to.Peer.IsLocal()):
				t.Errorf("%s reads %q as a cell of this machine, but Go has %v, %v", r.name, text,
					to, err)
			case got.Class != "" && got.Class != "Bad":
				t.Errorf("%s refuses %q with %s", r.name, text, got.Class)
			}
		}
	})
}
