package main

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// dialRaw connects as a program does that knows nothing of cells, as soon as somebody
// listens. @FILE is the address that a file holds.
func dialRaw(ts *testscript.TestScript, network, at string) (net.Conn, error) {
	if file, ok := strings.CutPrefix(at, "@"); ok {
		at = strings.TrimSpace(ts.ReadFile(file))
	}
	for try := 0; ; try++ {
		conn, err := net.Dial(network, at)
		if err == nil {
			conn.SetDeadline(time.Now().Add(30 * time.Second))
			return conn, nil
		}
		if try == 1000 || !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ENOENT) {
			return nil, err
		}
		time.Sleep(10 * time.Millisecond) // a file that was edited is read soon, and tells nobody
	}
}

// raw tcp|unix ADDRESS SIZE ANSWER: sends so many bytes, ends that direction, and wants
// the whole answer to be that line.
func cmdRaw(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: raw tcp|unix ADDRESS SIZE ANSWER")
	}
	conn, err := dialRaw(ts, args[0], args[1])
	ts.Check(err)
	defer conn.Close()
	size, err := strconv.Atoi(args[2])
	ts.Check(err)
	_, err = conn.Write(make([]byte, size))
	ts.Check(err)
	ts.Check(conn.(interface{ CloseWrite() error }).CloseWrite())
	answer, err := io.ReadAll(conn)
	ts.Check(err)
	if string(answer) != args[3]+"\n" {
		ts.Fatalf("the answer is %q", answer)
	}
}

// reset ADDRESS: connects to a TCP port and wants a reset, at once or later: an orderly
// end would be taken for an answer.
func cmdReset(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: reset ADDRESS")
	}
	var answer []byte
	conn, err := dialRaw(ts, "tcp", args[0])
	if err == nil {
		defer conn.Close()
		answer, err = io.ReadAll(conn)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		ts.Fatalf("the answer is %q, %v", answer, err)
	}
}

// refused ADDRESS: nobody listens at a TCP port.
func cmdRefused(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: refused ADDRESS")
	}
	at := args[0]
	if file, ok := strings.CutPrefix(at, "@"); ok {
		at = strings.TrimSpace(ts.ReadFile(file))
	}
	conn, err := net.Dial("tcp", at)
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		ts.Fatalf("dial %s: %v", at, err)
	}
}
