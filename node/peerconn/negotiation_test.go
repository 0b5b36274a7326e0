package peerconn

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"
)

// Only the greeting is taken for agreement, however it is cut into pieces, and not a byte of
// what follows it is read.
func FuzzNegotiation(f *testing.F) {
	for _, answer := range []string{greeting, greeting + "hello", greeting[:9], "",
		"\x13/multistream/1.0.0\n" + refusal, refusal, "HTTP/1.1 400 Bad Request\r\n\r\n"} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, whole := range []bool{true, false} {
			left := bytes.NewReader(answer)
			g := negotiation{unheard: greeting}
			var err error
			if whole {
				err = g.hear(left)
			} else {
				err = g.hear(iotest.OneByteReader(left))
			}
			if agreed := strings.HasPrefix(string(answer), greeting); agreed != (err == nil) {
				t.Fatalf("%q: %v", answer, err)
			}
			if err == nil && left.Len() != len(answer)-len(greeting) {
				t.Fatalf("%q: %d bytes are left", answer, left.Len())
			}
		}
	})
}
