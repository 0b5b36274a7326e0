package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// use is the resource use of a process.
type use struct {
	cpu      time.Duration
	memory   int64 // resident bytes
	switches int64 // how often a thread blocked, and so was woken
}

func useOf(pid int) (u use, err error) {
	if u.cpu, err = cpuOf(pid); err != nil {
		return u, err
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return u, err
	}
	for _, task := range tasks {
		n, err := field(task, "voluntary_ctxt_switches:")
		if err != nil {
			continue // the thread has ended
		}
		u.switches += n
	}
	u.memory, err = residentOf(pid)
	return u, err
}

// cpuOf reads the CPU clock of a process, in nanoseconds. /proc has only hundredths of a
// second.
func cpuOf(pid int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED
	var t syscall.Timespec
	clock := uintptr(^int32(pid)<<3 | sched)
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)),
		0); errno != 0 {
		return 0, os.NewSyscallError("clock_gettime", errno)
	}
	return time.Duration(t.Nano()), nil
}

func residentOf(pid int) (int64, error) {
	kib, err := field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
	return kib << 10, err
}

// field reads the number after a name in a file.
func field(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(text, []byte("\n"+name))
	if !ok {
		return 0, fmt.Errorf("%s has no %s", path, name)
	}
	return strconv.ParseInt(strings.Fields(string(rest))[0], 10, 64)
}
