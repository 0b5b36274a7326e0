//go:build !linux

package doctor

// Lingering is a folder of systemd's.
const Lingering = ""

// Linger checks what systemd does at the last logout, on Linux.
func Linger(config, lingering, user string) []Check { return nil }
