package doctor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// lockHolder returns the process that holds a flock(2) on a file. It does not try to lock
// the file: another process may want the lock at that moment.
func lockHolder(path string) (pid int, held bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	stat, known := info.Sys().(*syscall.Stat_t)
	table, err := os.ReadFile("/proc/locks")
	if !known || err != nil {
		return 0, false
	}
	file := fmt.Sprintf("%02x:%02x:%d", unix.Major(stat.Dev), unix.Minor(stat.Dev), stat.Ino)
	for line := range strings.Lines(string(table)) {
		// 12: FLOCK  ADVISORY  WRITE 1234 08:01:4711 0 EOF
		fields := strings.Fields(line)
		if len(fields) > 5 && fields[1] == "FLOCK" && fields[5] == file {
			pid, err := strconv.Atoi(fields[4])
			return pid, err == nil
		}
	}
	return 0, false
}
