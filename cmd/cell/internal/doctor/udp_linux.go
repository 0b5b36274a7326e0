package doctor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// wantedBuffer is what quic-go asks of a socket in bytes, so that a burst of packets is
// not lost while nobody reads.
const wantedBuffer = 7 << 20

// UDPBuffers checks how large the buffers of a UDP socket may get: QUIC is slower where
// they are small.
func UDPBuffers() []Check {
	return udpBuffers(func(name string) (int, error) {
		text, err := os.ReadFile("/proc/sys/net/core/" + name)
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(strings.TrimSpace(string(text)))
	})
}

func udpBuffers(sysctl func(name string) (int, error)) []Check {
	var small, mend []string
	for _, name := range []string{"rmem_max", "wmem_max"} {
		n, err := sysctl(name)
		if err != nil {
			return nil // not told in this namespace
		}
		if n < wantedBuffer {
			small = append(small, fmt.Sprintf("net.core.%s is %d", name, n))
			mend = append(mend, fmt.Sprintf("net.core.%s=%d", name, wantedBuffer))
		}
	}
	c := ok("UDP buffers", "may have the %d bytes that QUIC wants", wantedBuffer)
	if len(small) > 0 {
		c.What = fmt.Sprintf("%s, and QUIC wants %d: it loses packets when much arrives at once",
			strings.Join(small, ", "), wantedBuffer)
		return []Check{c.note("sudo sysctl -w " + strings.Join(mend, " "))}
	}
	return []Check{c}
}
