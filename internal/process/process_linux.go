package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// statOf returns the fields of /proc/PID/stat from the third on. The second is the program's
// name, which may contain spaces and parentheses.
func statOf(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// startOf returns when a process started, in ticks since boot.
func startOf(pid int) uint64 {
	fields := statOf(pid)
	if len(fields) < 20 {
		return 0
	}
	ticks, _ := strconv.ParseUint(fields[19], 10, 64)
	return ticks
}

// zombie reports whether a process has ended and its parent has not waited for it yet.
func zombie(pid int) bool {
	fields := statOf(pid)
	return len(fields) > 0 && (fields[0] == "Z" || fields[0] == "X")
}

// memory returns the resident memory of a process in bytes.
func memory(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
