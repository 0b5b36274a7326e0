package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/cell-mesh/cell/synapse"
)

// testCells are programs for the stem to start. Each serves one connection at a time of many.
var testCells = map[string]func(conn *synapse.Conn){
	// echo sends back what it gets.
	"echo": func(conn *synapse.Conn) { io.Copy(conn, conn) },
	// late answers only after it has read everything.
	"late": func(conn *synapse.Conn) {
		n, _ := io.Copy(io.Discard, conn)
		fmt.Fprintf(conn, "got %d bytes\n", n)
	},
	// early answers at once and reads nothing.
	"early": func(conn *synapse.Conn) { fmt.Fprintln(conn, "enough") },
	// who tells the caller who it is.
	"who": func(conn *synapse.Conn) { fmt.Fprintln(conn, conn.RemoteAddr()) },
	// source reads a number, writes that many bytes, and keeps the call open.
	"source": func(conn *synapse.Conn) {
		var n int64
		fmt.Fscanln(conn, &n)
		io.CopyN(conn, rand.Reader, n)
		io.Copy(io.Discard, conn)
		select {}
	},
	// sink reads everything, says how much after each read, and keeps the call open.
	"sink": func(conn *synapse.Conn) {
		total := 0
		buf := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buf)
			total += n
			fmt.Fprintln(conn, total)
			if err != nil {
				select {}
			}
		}
	},
	// torn says half of what it had to say, once it has been asked.
	"torn": func(conn *synapse.Conn) {
		io.WriteString(conn, "half")
		conn.Read(make([]byte, 1))
		conn.Reset()
	},
	"bare":   nil, // a plain program that knows only bind(2)
	"crash":  nil, // says something and exits with 3
	"silent": nil, // never answers
}

// runTestCell is the main function of a test cell. It appends a line to
// $CELL_HOME/starts, which counts its starts.
func runTestCell(name string, serve func(*synapse.Conn)) int {
	starts, err := os.OpenFile(os.Getenv("CELL_HOME")+"/starts",
		os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		fmt.Fprintln(starts, name, os.Getpid())
		starts.Close()
	}
	switch name {
	case "crash":
		fmt.Fprintln(os.Stderr, "my last words")
		return 3
	case "silent":
		ctx, stop := interrupted()
		defer stop()
		<-ctx.Done()
		return 0
	case "bare":
		return runBare()
	}
	return runServer(os.Getenv("CELL_NAME"), serve)
}

func runServer(name string, serve func(*synapse.Conn)) int {
	listener, err := synapse.Listen(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := interrupted()
	defer stop()
	context.AfterFunc(ctx, func() { listener.Close() })
	for {
		conn, err := listener.Accept()
		if err != nil {
			return 0
		}
		go func() {
			defer conn.Close()
			serve(conn.(*synapse.Conn))
		}()
	}
}

// runBare listens where it is told to, answers with its process ID, and never removes its socket.
func runBare() int {
	listener, err := net.Listen("unix", os.Getenv("CELL_SOCKET"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return 1
		}
		io.WriteString(conn, strconv.Itoa(os.Getpid())+"\n")
		conn.Close()
	}
}

func isTestCell(name string) bool {
	_, is := testCells[name]
	return is
}
