//go:build !linux

package process

import (
	"context"
	"io/fs"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
)

// owner connects to the socket and asks for its owner. The cell sees a call that ends at once.
func owner(path string, _ fs.FileInfo) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := socket.Dial(ctx, path)
	if err != nil {
		return 0
	}
	defer conn.Close()
	pid, _, err := socket.Owner(conn)
	if err != nil {
		return 0
	}
	return pid
}

// memory returns the resident memory that ps prints, which is in KiB.
func memory(pid int) int64 {
	kib, _ := strconv.ParseInt(ps(pid, "rss="), 10, 64)
	return kib << 10
}

// zombie reports whether a process has ended and its parent has not waited for it yet.
func zombie(pid int) bool { return strings.HasPrefix(ps(pid, "stat="), "Z") }

func ps(pid int, what string) string {
	out, _ := exec.Command("ps", "-o", what, "-p", strconv.Itoa(pid)).Output()
	return strings.TrimSpace(string(out))
}
