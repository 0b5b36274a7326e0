package doctor

import (
	"os"
	"path/filepath"
	"strings"
)

// Linger checks that a stem run by a systemd user unit survives the last logout. config is
// the directory of the user's settings. In the directory lingering, systemd keeps a file
// for each user whose services do.
func Linger(config, lingering, user string) []Check {
	unit := stemUnit(filepath.Join(config, "systemd", "user"))
	if unit == "" || user == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(lingering, user)); err != nil {
		return []Check{ok("lingering", "when you log out, systemd stops %s and all cells",
			filepath.Base(unit)).note("loginctl enable-linger " + user)}
	}
	return []Check{ok("lingering", "%s keeps running when you log out", filepath.Base(unit))}
}

// Lingering is the directory with a file for each user whose services survive a logout.
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
