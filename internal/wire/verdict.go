package wire

import (
	"bytes"
	"io"
	"strings"
)

// OK returns the verdict line that grants a request, with its newline.
func OK(pairs ...[2]string) string { return "ok" + Pairs(pairs).String() + "\n" }

// No returns the verdict line that refuses one, with its newline. The reason is made to
// fit on a line.
func No(r Refusal) string {
	line := "no " + string(r.Code)
	if reason := Words(r.Reason); reason != "" {
		line += " " + reason
	}
	return line + "\n"
}

// parseVerdict reads a verdict line without its newline: nil and the pairs if it is ok,
// else a Refusal. A code that is not of the closed set reads as Failed.
func parseVerdict(line string) (Pairs, error) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "ok":
		return parsePairs(strings.Fields(rest))
	case "no":
		code, reason, _ := strings.Cut(rest, " ")
		if !Code(code).known() {
			return nil, Refusal{Failed, Words(rest)}
		}
		return nil, Refusal{Code(code), Words(reason)}
	}
	return nil, Refusal{Bad, "verdict is neither ok nor no"}
}

// ReadVerdictAfter is ReadVerdict where rest was read already, and nothing that matters follows.
func ReadVerdictAfter(rest []byte, r io.Reader) (Pairs, error) {
	pairs, _, err := ReadVerdict(io.MultiReader(bytes.NewReader(rest), r))
	return pairs, err
}

// ReadVerdict reads a verdict line and parses it. rest is what was read behind it.
func ReadVerdict(r io.Reader) (pairs Pairs, rest []byte, err error) {
	line, rest, err := readLine(r)
	if err != nil {
		return nil, nil, err
	}
	pairs, err = parseVerdict(line)
	return pairs, rest, err
}
