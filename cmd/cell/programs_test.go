package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cell-mesh/cell/internal/socket"
)

// server FILE tcp|unix: a server that tells how much it was sent, until the script ends.
// FILE holds where it listens, as `cell expose` takes it.
func cmdServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: server FILE tcp|unix")
	}
	at, prefix := "127.0.0.1:0", ""
	if args[1] == "unix" {
		at, prefix = filepath.Join(ts.Getenv("WORK"), "s"), "unix:"
	}
	l, err := net.Listen(args[1], at)
	ts.Check(err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(30 * time.Second))
				n, _ := io.Copy(io.Discard, conn)
				fmt.Fprintf(conn, "%d bytes\n", n)
			})
		}
	})
	ts.Defer(func() { l.Close(); serving.Wait() })
	ts.Check(os.WriteFile(args[0], []byte(prefix+l.Addr().String()), 0o600))
}

// waitfor NAME: waits until somebody holds the cell's socket.
func cmdWaitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor NAME")
	}
	path := filepath.Join(ts.Getenv("CELL_HOME"), "run", args[0]+".sock")
	for range 3000 {
		if alive, _ := socket.Alive(path); alive {
			return
		}
		time.Sleep(10 * time.Millisecond) // it is not our child, and tells nobody
	}
	ts.Fatalf("%s does not run", args[0])
}
