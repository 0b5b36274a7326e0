package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// The names of the cells, and of the protocols of raw hosts, that answer.
const (
	CellName  = "bench"
	HelloName = "bench.hello"
)

// Ready is what a far end prints when it is ready.
const Ready = "ready"

// bareSocket, in the home, is the floor for local calls: the process of the cells answers on
// it directly.
const bareSocket = "bare.sock"

// The requests that the first byte of a call to CellName can make.
const (
	wantEcho  = 'e' // return all bytes
	wantDrain = 'd' // read to the end, then send a byte
	wantFlood = 'f' // send as many bytes as the next 8 bytes say
	wantStall = 's' // read nothing
)

// Answer is the far end of a call to a cell, on every transport.
func Answer(name string, conn Conn) {
	defer conn.Close()
	if name == HelloName {
		conn.Write([]byte{'!'})
		io.Copy(io.Discard, conn)
		conn.CloseWrite()
		return
	}
	buf := make([]byte, 512) // small, for 10,000 calls at once
	if _, err := io.ReadFull(conn, buf[:1]); err != nil {
		return
	}
	switch buf[0] {
	case wantEcho:
		for {
			n, err := conn.Read(buf)
			if n > 0 {
				if _, err := conn.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				break
			}
		}
	case wantDrain:
		drain(conn)
		conn.Write([]byte{'!'})
	case wantFlood:
		if _, err := io.ReadFull(conn, buf[:8]); err == nil {
			flood(conn, int64(binary.BigEndian.Uint64(buf)))
		}
	case wantStall:
		io.ReadFull(conn, buf[:1])
		conn.Write([]byte{'!'})
		select {} // until the process is killed
	}
	conn.CloseWrite()
}

const block = 128 << 10

func drain(conn Conn) (n int64, err error) {
	buf := make([]byte, block)
	for {
		got, err := conn.Read(buf)
		n += int64(got)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func flood(conn Conn, n int64) error {
	buf := make([]byte, block)
	for n > 0 {
		wrote, err := conn.Write(buf[:min(n, block)])
		if n -= int64(wrote); err != nil {
			return err
		}
	}
	return nil
}

// ServeCells answers on the home's bare socket, and on the cells' listeners, until ctx ends.
func ServeCells(ctx context.Context, home string, listen func(name string) (net.Listener, error),
	out io.Writer) error {
	bare, err := net.Listen("unix", filepath.Join(home, bareSocket))
	if err != nil {
		return err
	}
	listeners := map[net.Listener]string{bare: CellName}
	for _, name := range []string{CellName, HelloName} {
		l, err := listen(name)
		if err != nil {
			return err
		}
		listeners[l] = name
	}
	var accepting sync.WaitGroup
	for l, name := range listeners {
		accepting.Go(func() {
			defer context.AfterFunc(ctx, func() { l.Close() })()
			for {
				conn, err := l.Accept()
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				go Answer(name, conn.(Conn)) // ends with the call or the process
			}
		})
	}
	fmt.Fprintln(out, Ready)
	accepting.Wait()
	return nil
}
