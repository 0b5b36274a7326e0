package discovery

import (
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/quic-go/quic-go"
)

// A timeout is called one, whichever library it comes from: some unwrap to another error.
func TestRootOfTimeout(t *testing.T) {
	for _, err := range []error{&quic.HandshakeTimeoutError{}, &quic.IdleTimeoutError{},
		&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}} {
		if got := Root(fmt.Errorf("dial: %w", err)).Error(); got != "no answer in time" {
			t.Errorf("%T: %q", err, got)
		}
	}
	if got := Root(fmt.Errorf("dial: %w", net.ErrClosed)).Error(); got != net.ErrClosed.Error() {
		t.Errorf("a closed socket: %q", got)
	}
}
