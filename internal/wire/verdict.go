package wire

import (
	"bytes"
	"io"
	"strings"
)

// OK returns the verdict line that grants a request, with its newline.
func OK(pairs ...[2]string) string { return "ok" + Pairs(pairs).String() + "\n" }

// No returns the verdict line that refuses a request, with its newline. The reason is passed
// through Words.
func No(r Refusal) string {
	line := "no " + string(r.Code)
	if reason := Words(r.Reason); reason != "" {
		line += " " + reason
	}
	return line + "\n"
}

// parseVerdict parses a verdict line without its newline. It returns the pairs of an ok, or
// else a Refusal. An unknown code becomes Failed.
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

// ReadVerdictAfter is ReadVerdict for a stream of which rest was already read. It drops what
// follows the verdict.
func ReadVerdictAfter(rest []byte, r io.Reader) (Pairs, error) {
	pairs, _, err := ReadVerdict(io.MultiReader(bytes.NewReader(rest), r))
	return pairs, err
}

// ReadVerdict reads and parses a verdict line. rest is what was read behind it.
func ReadVerdict(r io.Reader) (pairs Pairs, rest []byte, err error) {
	line, rest, err := readLine(r)
	if err != nil {
		return nil, nil, err
	}
	pairs, err = parseVerdict(line)
	return pairs, rest, err
}
