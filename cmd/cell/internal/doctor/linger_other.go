//go:build !linux

package doctor

// Lingering is a directory of systemd.
const Lingering = ""

// Linger checks what systemd does at the last logout; only on Linux.
func Linger(config, lingering, user string) []Check { return nil }
