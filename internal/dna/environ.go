package dna

import (
	"os"
	"slices"
	"strings"
)

// Environ is the environment that the cell's program gets: this process's, the file's
// env, and more, pairs KEY=VALUE; of those for one key the last is taken, and an empty
// pair "KEY" takes the key away. What a service manager said to this process is not
// passed on.
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
