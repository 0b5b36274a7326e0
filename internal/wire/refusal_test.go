package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

var codes = []Code{NotFound, Denied, Unreachable, Failed, Busy, Bad, Cut}

// A code keeps its identity over the wire, over a second hop, and under wrapping.
func TestCodesCrossTheWire(t *testing.T) {
	for _, code := range codes {
		_, once := parseVerdict(strings.TrimSuffix(No(Refusal{code, "why"}), "\n"))
		var refusal Refusal
		if !errors.As(once, &refusal) {
			t.Fatalf("%s: %#v is no Refusal", code, once)
		}
		_, twice := parseVerdict(strings.TrimSuffix(No(refusal), "\n"))
		err := fmt.Errorf("dial retina: %w", twice)
		for _, other := range codes {
			if errors.Is(err, other) != (other == code) {
				t.Errorf("%v: errors.Is(err, %s) = %v", code, other, other != code)
			}
		}
		if err.Error() != "dial retina: why" {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := (Refusal{Code: Denied}); err.Error() != "denied" {
		t.Errorf("without a reason: %v", err)
	}
}

// The set is closed: a newer stem's code is a failure here, and its words are kept. What
// is no verdict is not one.
func TestParseVerdictUnknown(t *testing.T) {
	for line, want := range map[string]Refusal{
		"no tired come back tomorrow": {Failed, "tired come back tomorrow"},
		"no Denied":                   {Failed, "Denied"},
		"no":                          {Failed, ""},
		"no  denied":                  {Failed, "denied"},
		"":                            {Bad, "verdict is neither ok nor no"},
		"OK":                          {Bad, "verdict is neither ok nor no"},
		"okay":                        {Bad, "verdict is neither ok nor no"},
		"SSH-2.0-OpenSSH":             {Bad, "verdict is neither ok nor no"},
		"ok call":                     {Bad, `"call" is not key=value`},
	} {
		if _, err := parseVerdict(line); err != want {
			t.Errorf("parseVerdict(%q): %#v, want %#v", line, err, want)
		}
	}
}

// A reason may be a dead cell's last words or a hostile peer's text: on the wire and
// after it, it is one line that is safe on a terminal.
func TestReasonIsOneLine(t *testing.T) {
	for reason, want := range map[string]string{
		"":                              "",
		"panic: no luck\n\ngoroutine 1": "panic: no luck | goroutine 1",
		"\r\none\r\ntwo\n":              "one | two",
		"tab\tbell\a\x1b[2Jclear":       "tab bell  [2Jclear",
		"émoi, 眼, 🧠":                    "émoi, 眼, 🧠",
		"right\u202eto left\u2028next":  "right to left next",
		"broken \xff\xfe text":          "broken �� text",
		strings.Repeat("é", 5000):       strings.Repeat("é", 1536) + "…",
		"a" + strings.Repeat("é", 5000): "a" + strings.Repeat("é", 1535) + "…",
		"\n\n\n":                        "",
	} {
		line := No(Refusal{Failed, reason})
		if len(line) > MaxLine || strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Errorf("%q is not one line: %q", clip(reason), clip(line))
		}
		if _, err := parseVerdict(strings.TrimSuffix(line, "\n")); err != (Refusal{Failed, want}) {
			t.Errorf("%q reads as %#v, want %q", clip(reason), err, clip(want))
		}
	}
	// and a peer that does not keep to it is read as if it had
	if _, err := parseVerdict("no failed \x1b]0;owned\a" +
		strings.Repeat("x", 4000)); strings.ContainsAny(err.Error(), "\x1b\a") ||
		len(err.Error()) > MaxLine {
		t.Errorf("hostile reason: %q", clip(err.Error()))
	}
}

func clip(text string) string { return text[:min(len(text), 80)] }
