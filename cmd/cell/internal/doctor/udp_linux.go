package doctor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// wantedBuffer is the buffer size in bytes that quic-go requests, so that bursts of packets
// are not lost.
const wantedBuffer = 7 << 20

// UDPBuffers checks the maximum size of UDP socket buffers: small ones make QUIC slower.
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
	var small, fix []string
	for _, name := range []string{"rmem_max", "wmem_max"} {
		n, err := sysctl(name)
		if err != nil {
			return nil // not visible in this namespace
		}
		if n < wantedBuffer {
			small = append(small, fmt.Sprintf("net.core.%s is %d", name, n))
			fix = append(fix, fmt.Sprintf("net.core.%s=%d", name, wantedBuffer))
		}
	}
	c := ok("UDP buffers", "may grow to the %d bytes that QUIC needs", wantedBuffer)
	if len(small) > 0 {
		c.What = fmt.Sprintf("%s, but QUIC needs %d to survive bursts of packets",
			strings.Join(small, ", "), wantedBuffer)
		return []Check{c.note("sudo sysctl -w " + strings.Join(fix, " "))}
	}
	return []Check{c}
}
