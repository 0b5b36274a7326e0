package stemtest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/synapse"
)

// Main is the TestMain of a package whose tests start cells: when a test has started its own
// binary as a cell, it becomes that cell.
func Main(m *testing.M) {
	if os.Getenv("CELL_STARTED") == "1" {
		os.Exit(beCell(os.Getenv("CELL_NAME")))
	}
	os.Setenv("STEM_TESTS", strconv.Itoa(os.Getpid()))
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else cells under -race take a second to exit
	goleak.VerifyTestMain(m)
}

// cells are the programs that the test binary can become. They return their exit status.
var cells = map[string]func() int{
	"echo": func() int { return serve(listen("echo"), echoConn) },
	"who": func() int { // prints who calls
		return serve(listen("who"), func(c net.Conn) { fmt.Fprint(c, c.RemoteAddr()) })
	},
	"bare": func() int { return serve(bind(), echoConn) },
	"slow": func() int { // listens once the file "go" exists
		waitFor(filepath.Join(os.Getenv("CELL_HOME"), "go"))
		return serve(listen("slow"), echoConn)
	},
	"silent": func() int { select {} },
	"crash": func() int {
		fmt.Println("the lens is cracked")
		return 3
	},
	"zero":   func() int { return 0 },
	"killed": func() int { return kill(os.Getpid()) },
	"forker": fork,
	"chatty": chat,
}

// beCell is main for a cell.
func beCell(name string) int {
	h := os.Getenv("CELL_HOME")
	tests, _ := strconv.Atoi(os.Getenv("STEM_TESTS"))
	go func() { // a cell ends with the home of its test, and with the tests
		for range time.Tick(100 * time.Millisecond) {
			if _, err := os.Stat(h); err != nil || syscall.Kill(tests, 0) != nil {
				os.Exit(9)
			}
		}
	}()
	starts, err := os.OpenFile(filepath.Join(h, "starts"), os.O_APPEND|os.O_CREATE|os.O_WRONLY,
		0o600)
	if err == nil {
		_, err = fmt.Fprintf(starts, "%s %d\n", strings.Join(os.Args[1:], " "), os.Getpid())
	}
	if err != nil || cells[name] == nil {
		fmt.Println("no such cell:", name, err)
		return 1
	}
	return cells[name]()
}

func listen(name string) net.Listener {
	l, err := synapse.Listen(name)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return l
}

// bind is the least that a program in any language has to do. It leaves its socket behind.
func bind() net.Listener {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: os.Getenv("CELL_SOCKET"), Net: "unix"})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	l.SetUnlinkOnClose(false)
	return l
}

func serve(l net.Listener, do func(net.Conn)) int {
	for {
		c, err := l.Accept()
		if err != nil {
			return 1
		}
		go func() {
			defer c.Close()
			do(c)
		}()
	}
}

func echoConn(c net.Conn) { io.Copy(c, c) }

func waitFor(path string) {
	for range time.Tick(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
}

// fork leaves a child behind that answers, as traditional daemons do.
func fork() int {
	if os.Getenv("CELL_CHILD") != "" {
		return serve(bind(), echoConn)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "CELL_CHILD=1")
	if err := child.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	for range time.Tick(time.Millisecond) {
		if c, err := net.Dial("unix", os.Getenv("CELL_SOCKET")); err == nil {
			c.Close()
			return 0
		}
	}
	return 1
}

// chat prints more than a log may hold (8 MiB), and then serves.
func chat() int {
	line := strings.Repeat("the quick brown fox jumps over the lazy dog, and then over the cell. ",
		15) + "\n"
	for printed := 0; printed < 12<<20; printed += len(line) {
		io.WriteString(os.Stdout, line)
	}
	return serve(listen("chatty"), func(c net.Conn) { fmt.Println("the last line") })
}

func kill(pid int) int {
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		return 1
	}
	select {}
}
