package synapse_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"github.com/cell-mesh/cell/synapse"
)

// A cell that answers in upper case, and a call to it. Usually they are two programs.
func Example() {
	defer useTemporaryHome()()

	l, err := synapse.Listen("shout")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				text, _ := io.ReadAll(conn)
				conn.Write(bytes.ToUpper(text))
			}()
		}
	}()

	conn, err := synapse.Dial(context.Background(), "shout")
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "hello")
	conn.CloseWrite() // the cell reads to the end before it answers
	answer, err := io.ReadAll(conn)
	fmt.Println(string(answer), err)
	// Output: HELLO <nil>
}

// ctx bounds the time to connect, and errors tell what went wrong.
func ExampleDial() {
	defer useTemporaryHome()()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := synapse.Dial(ctx, "greet@laptop")
	switch {
	case errors.Is(err, synapse.ErrNoStem):
		fmt.Println(`start a stem with "cell up"`)
	case errors.Is(err, synapse.ErrDenied):
		fmt.Println("laptop does not let us call greet")
	case err != nil:
		log.Fatal(err)
	default:
		conn.Close()
	}
	// Output: start a stem with "cell up"
}

// A short request travels together with the dial, which saves a round trip.
func ExampleDialWith() {
	defer useTemporaryHome()()
	defer serve("greet", func(conn net.Conn) {
		name, _ := io.ReadAll(conn)
		fmt.Fprintf(conn, "hello %s", name)
	})()

	conn, err := synapse.DialWith(context.Background(), "greet", []byte("world"))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	conn.CloseWrite()
	answer, err := io.ReadAll(conn)
	fmt.Println(string(answer), err)
	// Output: hello world <nil>
}

// A cell finds out who calls from the remote address.
func ExampleListen() {
	defer useTemporaryHome()()

	l, err := synapse.Listen("who")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go synapse.Dial(context.Background(), "who")

	conn, err := l.Accept()
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	caller := conn.RemoteAddr().(synapse.Caller)
	if caller.Peer != "" {
		fmt.Println("called by the machine", caller.Peer)
	} else {
		fmt.Println("called by this process:", caller.PID == os.Getpid())
	}
	// Output: called by this process: true
}

// A cell that nobody has called for a while exits; the next call starts it again.
func ExampleIdle() {
	defer useTemporaryHome()()

	l, err := synapse.Listen("greet", synapse.Idle(10*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	_, err = l.Accept()
	fmt.Println(errors.Is(err, synapse.ErrIdle), errors.Is(err, net.ErrClosed))
	// Output: true true
}

// A cell that fails in the middle of an answer resets the call, so that a caller on another
// machine reads io.ErrUnexpectedEOF and does not take the half for the whole.
func ExampleConn_Reset() {
	serve("report", func(conn net.Conn) {
		if err := writeReport(conn); err != nil {
			conn.(*synapse.Conn).Reset()
		}
	})
}

func writeReport(io.Writer) error { return nil }

// serve runs a cell in this process and returns a function that stops it.
func serve(name string, handle func(net.Conn)) (stop func()) {
	l, err := synapse.Listen(name)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handle(conn)
			conn.Close()
		}
	}()
	return func() { l.Close() }
}

// useTemporaryHome gives an example a home of its own. Programs leave CELL_HOME alone.
func useTemporaryHome() (remove func()) {
	home, err := os.MkdirTemp("", "cell")
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("CELL_HOME", home)
	return func() { os.RemoveAll(home) }
}
