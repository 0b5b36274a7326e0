package doctor

import (
	"os"
	"path/filepath"
	"strings"
)

// Linger checks that the user's programs go on after the last logout, where systemd runs
// the stem as the user's unit. config is the folder of the user's settings, lingering the
// one where systemd keeps a file for each user who lingers.
func Linger(config, lingering, user string) []Check {
	unit := stemUnit(filepath.Join(config, "systemd", "user"))
	if unit == "" || user == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(lingering, user)); err != nil {
		return []Check{ok("lingering", "systemd ends %s, and every cell, when you log out",
			filepath.Base(unit)).note("loginctl enable-linger " + user)}
	}
	return []Check{ok("lingering", "%s goes on when you log out", filepath.Base(unit))}
}

// Lingering is where systemd keeps a file for each user who lingers.
const Lingering = "/var/lib/systemd/linger"

// stemUnit finds the unit that runs a stem, or "".
func stemUnit(dir string) string {
	paths, _ := filepath.Glob(filepath.Join(dir, "*.service")) // errs only on a bad pattern
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			command, is := strings.CutPrefix(strings.TrimSpace(line), "ExecStart=")
			if fields := strings.Fields(command); is && len(fields) > 1 && isCell(fields[0]) &&
				fields[1] == "up" {
				return path
			}
		}
	}
	return ""
}

func isCell(program string) bool {
	return filepath.Base(strings.Trim(program, `"'-@:+!`)) == "cell"
}
