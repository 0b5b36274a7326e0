package wire

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readers are the ways in which bytes can arrive.
var readers = map[string]func(io.Reader) io.Reader{
	"all at once":       func(r io.Reader) io.Reader { return r },
	"one by one":        iotest.OneByteReader,
	"in halves":         iotest.HalfReader,
	"with the last EOF": iotest.DataErrReader,
	"by sevens":         func(r io.Reader) io.Reader { return &chunks{r, 7} },
	"by hundreds":       func(r io.Reader) io.Reader { return &chunks{r, 100} },
}

type chunks struct {
	io.Reader
	size int
}

func (c *chunks) Read(p []byte) (int, error) { return c.Reader.Read(p[:min(len(p), c.size)]) }

// Bytes that follow a line belong to the call. Not one may be lost, whatever the packets
// looked like.
func TestReadLineSwallowsNothing(t *testing.T) {
	for how, reader := range readers {
		for _, line := range []string{"", "a", "open retina", strings.Repeat("a", 255),
			strings.Repeat("a", 256), strings.Repeat("a", MaxLine-1)} {
			for _, behind := range []string{"", "\n", "x", "\n\nhello\n",
				strings.Repeat("hello\x00", 2000)} {
				stream := reader(strings.NewReader(line + "\n" + behind))
				got, rest, err := readLine(stream)
				if err != nil || got != line {
					t.Fatalf("%s: a line of %d reads as one of %d, %v", how, len(line), len(got),
						err)
				}
				if rest != nil && len(rest) == 0 {
					t.Errorf("%s: rest is empty and not nil", how)
				}
				remaining, err := io.ReadAll(stream)
				if all := string(rest) + string(remaining); err != nil || all != behind {
					t.Errorf("%s: %d bytes stood behind a line of %d, %d arrived, %v", how,
						len(behind), len(line), len(all), err)
				}
			}
		}
	}
}

func TestReadLineFails(t *testing.T) {
	broken := errors.New("broken")
	for how, reader := range readers {
		for _, test := range []struct {
			stream io.Reader
			want   error
		}{
			{strings.NewReader(""), io.ErrUnexpectedEOF},
			{strings.NewReader("open reti"), io.ErrUnexpectedEOF},
			{strings.NewReader(strings.Repeat("a", MaxLine-1)), io.ErrUnexpectedEOF},
			{strings.NewReader(strings.Repeat("a", MaxLine)), ErrTooLong},
			{strings.NewReader(strings.Repeat("a", MaxLine) + "\n"), ErrTooLong},
			{strings.NewReader(strings.Repeat("a", 1<<20)), ErrTooLong},
			{io.MultiReader(strings.NewReader("open"), iotest.ErrReader(broken)), broken},
		} {
			line, rest, err := readLine(reader(test.stream))
			if !errors.Is(err, test.want) || line != "" || rest != nil {
				t.Errorf("%s: got %q, %q, %v, want %v", how, line, rest, err, test.want)
			}
		}
	}
}

// A line without end is given up at the limit; who sends it cannot make us read, or hold, more.
func TestReadLineReadsNoMoreThanALine(t *testing.T) {
	source := strings.NewReader(strings.Repeat("a", 1<<20))
	readLine(source)
	if read := 1<<20 - source.Len(); read > MaxLine {
		t.Errorf("%d bytes were read, the limit is %d", read, MaxLine)
	}
}

// The two that servers and callers use hand the rest on.
func TestReadRequestAndVerdictKeepTheRest(t *testing.T) {
	req, rest, err := ReadRequest(strings.NewReader("open retina\nhello"))
	if err != nil || req.Verb != Open || req.Object != "retina" || string(rest) != "hello" {
		t.Errorf("ReadRequest: %+v, %q, %v", req, rest, err)
	}
	pairs, rest, err := ReadVerdict(strings.NewReader("ok call=1\nhello"))
	if err != nil || pairs.Get("call") != "1" || string(rest) != "hello" {
		t.Errorf("ReadVerdict: %v, %q, %v", pairs, rest, err)
	}
	if _, _, err = ReadRequest(strings.NewReader("open")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ReadRequest of half a line: %v", err)
	}
	if _, _, err = ReadVerdict(strings.NewReader("ok")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ReadVerdict of half a line: %v", err)
	}
}
