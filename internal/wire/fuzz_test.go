package wire

import (
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
)

func seeds(f *testing.F) {
	for _, path := range []string{"testdata/requests.txt", "testdata/verdicts.txt"} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f.Add(strings.TrimSuffix(line, "\n"))
		}
	}
	for _, seed := range []string{"", " ", "open a=b c", "open =x", "open \x1b", "ok x", "no",
		"no x", "no failed \r \u2028 \xff"} {
		f.Add(seed)
	}
}

// What parses prints back to the same request, on a line no longer than the one that was read.
func FuzzParseRequest(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, line string) {
		req, err := parseRequest(line)
		if err != nil {
			if !errors.Is(err, Bad) {
				t.Errorf("parseRequest(%q): %v, which is no refusal", line, err)
			}
			return
		}
		text := req.String()
		if len(text) > len(line)+1 || strings.Index(text, "\n") != len(text)-1 {
			t.Errorf("%q prints as %q", line, text)
		}
		if again, err := parseRequest(strings.TrimSuffix(text, "\n")); err != nil ||
			!reflect.DeepEqual(again, req) {
			t.Errorf("%q prints as %q, which reads as %+v, %v", line, text, again, err)
		}
	})
}

func FuzzParseVerdict(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, line string) {
		pairs, err := parseVerdict(line)
		text := OK(pairs...)
		var refusal Refusal
		if errors.As(err, &refusal) {
			text = No(refusal)
		} else if err != nil {
			t.Fatalf("parseVerdict(%q): %v, which is no refusal", line, err)
		}
		if refusal.Code != "" && (len(text) > MaxLine || strings.Index(text, "\n") != len(text)-1) {
			t.Errorf("%q prints as %q", line, text)
		}
		again, err2 := parseVerdict(strings.TrimSuffix(text, "\n"))
		if !reflect.DeepEqual(again, pairs) || err2 != err {
			t.Errorf("%q reads as %v, %#v and prints as %q, which reads as %v, %#v", line, pairs,
				err, text, again, err2)
		}
	})
}

// However the bytes come, the request and all that follows it are the same.
func FuzzReadRequest(f *testing.F) {
	f.Add("open retina\nhello")
	f.Add("open retina")
	f.Add("\n\n")
	f.Add("status " + strings.Repeat("a", MaxLine) + "\nx")
	f.Fuzz(func(t *testing.T, stream string) {
		req, behind, err := readAll(strings.NewReader(stream))
		slow, slowBehind, slowErr := readAll(iotest.OneByteReader(strings.NewReader(stream)))
		if !reflect.DeepEqual(slow, req) || slowBehind != behind ||
			(err == nil) != (slowErr == nil) {
			t.Errorf("%q reads as %+v, %q, %v\none by one as %+v, %q, %v", stream, req, behind, err,
				slow, slowBehind, slowErr)
		}
		if _, want, _ := strings.Cut(stream, "\n"); err == nil && behind != want {
			t.Errorf("%q: behind the line is %q, want %q", stream, behind, want)
		}
	})
}

func readAll(r io.Reader) (Request, string, error) {
	req, rest, err := ReadRequest(r)
	if err != nil {
		return req, "", err
	}
	remaining, err := io.ReadAll(r)
	return req, string(rest) + string(remaining), err
}

// FuzzWords checks that foreign text becomes one printable line that fits in a verdict, and
// that printing it twice changes nothing.
func FuzzWords(f *testing.F) {
	for _, text := range []string{"", "a\nb\r\nc", "\x1b[31mred\x1b[0m", "\u202egnp.exe", "\xff",
		strings.Repeat("a", maxReason+1), strings.Repeat("é", maxReason), "\u2028", "\u00a0x\u00a0",
		strings.Repeat("\xff", maxReason)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := Words(text)
		bad := strings.ContainsFunc(words, func(r rune) bool { return !unicode.IsPrint(r) })
		if bad || len(words) > maxReason+len("…") || len(No(Refusal{NotFound, text})) > MaxLine {
			t.Errorf("%q is printed as %q", text, words)
		}
		if again := Words(words); again != words {
			t.Errorf("%q is printed as %q, and then as %q", text, words, again)
		}
	})
}
