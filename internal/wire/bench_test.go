package wire

import (
	"strings"
	"testing"
)

// Reading what a call begins with.
func BenchmarkReadRequest(b *testing.B) {
	line := Request{Verb: Open, Object: "retina@12D3KooWHxKfwVPnGCFPbGCWzQjV5g3kSKWHeVQTjGgcWbsG1bRW"}.String()
	for b.Loop() {
		if _, _, err := ReadRequest(strings.NewReader(line)); err != nil {
			b.Fatal(err)
		}
	}
}

// Reading the answer.
func BenchmarkReadVerdict(b *testing.B) {
	line := OK([2]string{"call", "6148914691236517205"})
	for b.Loop() {
		if _, _, err := ReadVerdict(strings.NewReader(line)); err != nil {
			b.Fatal(err)
		}
	}
}
