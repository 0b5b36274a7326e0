package dna

import (
	"os"
	"slices"
	"strings"
)

// Environ returns the environment of the cell's program: this process's, the file's env, and
// more. The last pair KEY=VALUE of a key counts, and "KEY" without a value removes the key. The
// variables of a service manager are removed, since they are meant for this process.
func (s Settings) Environ(more ...string) []string {
	var env []string
	for _, pair := range slices.Concat(os.Environ(),
		[]string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET"}, s.Env, more) {
		key, _, _ := strings.Cut(pair, "=")
		env = slices.DeleteFunc(env, func(have string) bool {
			return strings.HasPrefix(have, key+"=")
		})
		if strings.Contains(pair, "=") {
			env = append(env, pair)
		}
	}
	return env
}
